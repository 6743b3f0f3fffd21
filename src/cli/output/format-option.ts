// The option -o, which every command that prints an answer has.
import { Option } from 'commander';

export type Format = 'table' | 'wide' | 'json' | 'yaml' | 'name' | 'csv';

/** `-o, --output <json|…>` with the formats of the command; the default is text for people. */
export function formatOption(...formats: Format[]): Option {
  return new Option(`-o, --output <${formats.join('|')}>`, 'output format').choices(formats);
}

/** Whether the format is a document for programs. */
export function isDocumentFormat(format: Format | undefined): format is 'json' | 'yaml' {
  return format === 'json' || format === 'yaml';
}
