// The env files of a project: which one belongs to an environment, and how it is read and replaced.
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { LshError } from '../../core/errors.ts';
import { EnvFile } from '../../secrets/env-file/env-file.ts';
import { createFile, readText, replaceFile } from '../../secrets/local/private-file.ts';

/** Keys that protect the files must not be in them. */
const OWN_KEYS = ['LSH_SECRETS_KEY', 'LSH_MASTER_KEY'];

/** `--file`, else `.env.ENVIRONMENT`, else `.env`. Throws SECRETS_FILE_MISSING. */
export function fileToPush(directory: string, environment: string, named: string | undefined): string {
  const names = named === undefined ? [`.env.${environment}`, '.env'] : [named];
  const found = names.map((name) => resolve(directory, name)).find((path) => existsSync(path));
  if (found !== undefined) return realpathSync(found);
  throw new LshError('SECRETS_FILE_MISSING', { names: names.join(' or '), directory });
}

/** `--file`, else the file that was last in step with the environment, else `.env` for dev and `.env.ENVIRONMENT`. */
export function fileToPull(
  directory: string,
  environment: string,
  named: string | undefined,
  known: readonly string[],
): string {
  const usual = environment === 'dev' ? '.env' : `.env.${environment}`;
  const own = [join(directory, usual), join(directory, '.env')].find((path) => known.includes(path));
  const path = named === undefined ? (own ?? join(directory, usual)) : resolve(directory, named);
  return existsSync(path) ? realpathSync(path) : path;
}

/** Undefined if there is no such file. Throws FILE_UNREADABLE, SECRETS_FILE_HOLDS_KEY. */
export function readEnvFile(path: string): EnvFile | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const file = new EnvFile(text);
  const key = OWN_KEYS.find((name) => file.values.has(name));
  if (key !== undefined) throw new LshError('SECRETS_FILE_HOLDS_KEY', { path, key });
  return file;
}

/** Replaces the file and keeps the old one beside it. Returns the path of the old one, if there was one. */
export function replaceEnvFile(path: string, file: EnvFile, now: number): string | undefined {
  const old = readText(path);
  if (old === file.text) return undefined;
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  let backup: string | undefined;
  if (old !== undefined) {
    for (let count = 0; backup === undefined || existsSync(backup); count += 1)
      backup = join(dirname(path), `${basename(path)}.backup-${time}${count === 0 ? '' : `-${count}`}`);
    createFile(backup, old);
  }
  replaceFile(path, file.text);
  return backup;
}
