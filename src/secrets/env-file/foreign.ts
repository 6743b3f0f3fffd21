// Files of other programs: which of them hold variables that can be read here, and who decrypts the others. Pure.
import { LshError } from '../../core/errors.ts';
import { EnvFile } from './env-file.ts';

/** The variables of an env file, or of a JSON object. Throws SECRETS_IMPORT_ENCRYPTED, SECRETS_IMPORT_INVALID. */
export function importedValues(text: string, name: string): ReadonlyMap<string, string> {
  if (/^\s*\{/.test(text)) return ofJson(text, name);
  const { values } = new EnvFile(text);
  const encryptedBy = programOf(values);
  if (encryptedBy !== undefined) throw new LshError('SECRETS_IMPORT_ENCRYPTED', { name, ...encryptedBy });
  if (values.size === 0)
    throw new LshError('SECRETS_IMPORT_INVALID', { name, detail: 'it holds no variable' });
  return values;
}

/** The program that encrypted the values, and how it decrypts them. */
function programOf(values: ReadonlyMap<string, string>): { program: string; command: string } | undefined {
  const has = (pattern: RegExp) => [...values.values()].some((value) => pattern.test(value));
  const names = [...values.keys()];
  if (names.some((name) => name.startsWith('sops_')) || has(/^ENC\[AES256_GCM,/))
    return { program: 'sops', command: 'sops decrypt --input-type dotenv --output-type dotenv' };
  if (names.some((name) => name.startsWith('DOTENV_VAULT')))
    return { program: 'dotenv-vault', command: 'npx dotenv-vault decrypt' };
  if (has(/^encrypted:/)) return { program: 'dotenvx', command: 'dotenvx decrypt --stdout -f' };
  return undefined;
}

function ofJson(text: string, name: string): ReadonlyMap<string, string> {
  const invalid = (detail: string) => new LshError('SECRETS_IMPORT_INVALID', { name, detail });
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw invalid('it is no JSON');
  }
  if ('sops' in document)
    throw new LshError('SECRETS_IMPORT_ENCRYPTED', { name, program: 'sops', command: 'sops decrypt' });
  const entries = Object.entries(document).map(([key, value]): [string, string] => {
    if (typeof value === 'string') return [key, value];
    if (typeof value === 'number' || typeof value === 'boolean') return [key, String(value)];
    throw invalid(`${key} is no text`);
  });
  if (entries.length === 0) throw invalid('it holds no variable');
  return new Map(entries);
}
