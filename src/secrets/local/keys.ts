// The age identities of this user: LSH_SECRETS_KEY, or a file of the form that age-keygen writes. Never inside a project.
import { appendFileSync, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LshError } from '../../core/errors.ts';
import { createFile, ensurePrivateDirectory, readText } from './private-file.ts';

export interface KeySettings {
  /** Absolute path of the file. */
  file: string;
  /** LSH_SECRETS_KEY; replaces the file. */
  key: string | undefined;
}

/** The identities, the oldest first; none if there is no key yet. Throws SECRETS_KEY_INVALID, KEYS_FILE_OPEN. */
export function identitiesOf({ file, key }: KeySettings): string[] {
  if (key !== undefined) return identitiesIn(key, 'LSH_SECRETS_KEY');
  const text = readText(file);
  if (text === undefined) return [];
  requirePrivate(file);
  return identitiesIn(text, file);
}

function identitiesIn(text: string, place: string): string[] {
  const lines = text.split(/[\n,]/).map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const isKey = (line: string) => /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/.test(line);
  if (identities.length === 0 || !identities.every(isKey))
    throw new LshError('SECRETS_KEY_INVALID', { place });
  return identities;
}

function requirePrivate(file: string): void {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0) throw new LshError('KEYS_FILE_OPEN', { path: file, mode: mode.toString(8) });
}

/** Adds an identity to the file, or creates it. */
export function addIdentity(
  { file }: KeySettings,
  { identity, recipient }: { identity: string; recipient: string },
  now: number,
): void {
  const text = `# created: ${new Date(now).toISOString()}\n# public key: ${recipient}\n${identity}\n`;
  ensurePrivateDirectory(dirname(file));
  if (existsSync(file)) {
    requirePrivate(file);
    appendFileSync(file, text, { flush: true });
  } else createFile(file, text);
}
