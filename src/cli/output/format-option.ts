// The option -o that every command with an answer has.
import { Option } from 'commander';

export type Format = 'table' | 'wide' | 'json' | 'yaml' | 'name' | 'csv';

/** `-o, --output <json|…>` with the formats that the command knows; without it people get text. */
export function formatOption(...formats: Format[]): Option {
  return new Option(`-o, --output <${formats.join('|')}>`, 'form of the answer').choices(formats);
}

/** Whether the answer goes to a program as a document. */
export function isDocumentFormat(format: Format | undefined): format is 'json' | 'yaml' {
  return format === 'json' || format === 'yaml';
}
