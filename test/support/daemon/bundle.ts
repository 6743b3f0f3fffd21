// The program as users have it: every process of a test runs this.
import { join } from 'node:path';

/** The copy that the global setup makes, so that a build during the tests does not change it. */
export const BUNDLE = process.env['LSH_TEST_BUNDLE'] ?? join(import.meta.dirname, '../../../dist/lsh.js');
