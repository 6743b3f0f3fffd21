// The variables of a team's Supabase project.
import { text, type Variable } from './kinds.ts';

/** Where the project is, and who lsh is there, in the order of docs/configuration.md. */
export const SUPABASE_VARIABLES = {
  supabaseUrl: {
    ...text(
      'SUPABASE_URL',
      'URL of the Supabase project whose table lsh_runs records every finished run of the operator; when not set, it records none there.',
    ),
    type: 'a URL that begins with https:// or http://',
    read: (value) => (/^https?:$/.test(URL.parse(value)?.protocol ?? '') ? value.trim() : undefined),
  } as Variable<string | undefined>,
  supabaseServiceRoleKey: key(
    'SUPABASE_SERVICE_ROLE_KEY',
    'Key of the role service_role of that project, or a secret key (sb_secret_…). Required by what writes there when SUPABASE_URL is set.',
  ),
  supabaseAnonKey: key(
    'SUPABASE_ANON_KEY',
    'Public key of that project. It may not write, so lsh does not use it; with it alone, lsh says which key is missing.',
  ),
  supabaseDbUrl: {
    ...text(
      'SUPABASE_DB_URL',
      'Connection string of the project’s database, with its password. Only `lsh supabase init` reads it.',
    ),
    type: 'a URL that begins with postgresql:// or postgres://',
    secret: true,
    read: (value) => (/^postgres(?:ql)?:\/\//.test(value.trim()) ? value.trim() : undefined),
  } as Variable<string | undefined>,
};

function key(name: string, description: string): Variable<string | undefined> {
  // A Secret that was created from a file ends with the newline of the file.
  return { ...text(name, description), secret: true, read: (value) => value.trim() || undefined };
}
