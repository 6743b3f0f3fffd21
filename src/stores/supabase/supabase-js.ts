// supabase-js as a file of its own in the bundle: calls to a project alone read its 380 KB. Its importers load it late.
export { createClient } from '@supabase/supabase-js';
