// The variables in the formats of other programs. Pure.
import { shellQuote } from '../../core/command-check/shell/shell-quote.ts';
import { LshError } from '../../core/errors.ts';
import { envFileOf } from './env-file.ts';

export const EXPORT_FORMATS = ['dotenv', 'json', 'yaml', 'shell', 'docker', 'github'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
type Values = ReadonlyMap<string, string>;

const WRITERS: Record<
  Exclude<ExportFormat, 'json' | 'yaml'>,
  (values: Values, delimiter: string) => string
> = {
  dotenv: (values) => envFileOf(values).text,
  shell: (values) => lines(values, (key, value) => `export ${identifier(key, 'shell')}=${shellQuote(value)}`),
  docker: (values) => lines(values, (key, value) => `${key}=${oneLineOnly(key, value)}`),
  github: (values, delimiter) =>
    lines(values, (key, value) => `${key}<<${delimiter}\n${value}\n${delimiter}`),
};

/**
 * The text in the format; of json and yaml, the caller writes the document. `delimiter` is random: no value of another
 * author can hold it. Throws SECRETS_EXPORT_IMPOSSIBLE, SECRET_VALUE_UNWRITABLE.
 */
export function exportText(
  format: Exclude<ExportFormat, 'json' | 'yaml'>,
  values: Values,
  delimiter: string,
): string {
  return WRITERS[format](values, delimiter);
}

function lines(values: Values, line: (key: string, value: string) => string): string {
  return [...values].map(([key, value]) => `${line(key, value)}\n`).join('');
}

function identifier(key: string, format: string): string {
  if (/^[A-Za-z_]\w*$/.test(key)) return key;
  throw new LshError('SECRETS_EXPORT_IMPOSSIBLE', { key, format, detail: 'a shell allows no such name' });
}

/** docker --env-file reads a line as it is: without quotes, escapes or a second line. */
function oneLineOnly(key: string, value: string): string {
  if (!/[\r\n]/.test(value)) return value;
  throw new LshError('SECRETS_EXPORT_IMPOSSIBLE', {
    key,
    format: 'docker',
    detail: 'its value has several lines',
  });
}
