// `lsh secrets import` and `export`.
import { EnvFile } from '../../secrets/env-file/env-file.ts';
import { exportText, type ExportFormat } from '../../secrets/env-file/export.ts';
import { importedValues } from '../../secrets/env-file/foreign.ts';
import { change, type Changed } from './change.ts';
import type { ProjectSecrets } from './project-secrets.ts';

export { exportText, type ExportFormat };

/** Adds the variables of the text to the environment. */
export async function importText(
  secrets: ProjectSecrets,
  environment: string,
  { text, name }: { text: string; name: string },
): Promise<Changed> {
  const values = importedValues(text, name);
  return change(secrets, environment, 'import', (head) => {
    let file = head?.file;
    // A first import keeps the comments of the file.
    if (file === undefined && !/^\s*\{/.test(text)) return { file: new EnvFile(text) };
    file ??= new EnvFile('');
    for (const [key, value] of values) file = file.with(key, value);
    return { file };
  });
}
