// The program as users have it: every process of a test runs this.
import { join } from 'node:path';

/** Before the tests a copy is made of what has just been built: whoever builds meanwhile does not change it. */
export const BUNDLE = process.env['LSH_TEST_BUNDLE'] ?? join(import.meta.dirname, '../../../dist/lsh.js');
