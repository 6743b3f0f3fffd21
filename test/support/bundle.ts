// The program as users have it, built once before all tests: every process of a test runs this.
import { join } from 'node:path';

export const BUNDLE = join(import.meta.dirname, '../../dist/lsh.js');
