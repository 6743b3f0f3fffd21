// Masks values in what is there as a whole, by the same search as in passing output.
import { redactionOf } from './redaction.ts';

/** Where a stretch of a longer text was cut: a value may have lost its beginning or its end there. */
export interface Cut {
  before?: boolean;
  behind?: boolean;
}

/** The bytes with the values masked. A cut hides the part of a value that it left, too. */
export function maskedBytes(bytes: Uint8Array, values: readonly string[], cut: Cut = {}): Uint8Array {
  const redaction = redactionOf(values, cut.before ? Buffer.alloc(0) : undefined);
  if (redaction === undefined) return bytes;
  const shown = redaction.push(bytes);
  return cut.behind ? shown : Buffer.concat([shown, redaction.end()]);
}

export function maskedText(text: string, values: readonly string[], cut?: Cut): string {
  if (values.length === 0) return text;
  return Buffer.from(maskedBytes(Buffer.from(text), values, cut)).toString();
}

/** A JSON value with the values masked in each of its texts; its keys stay. */
export function maskedTexts<T>(value: T, values: readonly string[]): T {
  return (values.length === 0 ? value : masked(value, values)) as T;
}

function masked(value: unknown, values: readonly string[]): unknown {
  if (typeof value === 'string') return maskedText(value, values);
  if (Array.isArray(value)) return value.map((item) => masked(item, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, masked(part, values)]));
}
