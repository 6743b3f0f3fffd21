// Prints an error on stderr: its sentence, its problems, its hint and its code.
import { EXIT, LshError, toLshError } from '../core/errors.ts';
import type { Io } from './io.ts';
import { linesOf, note, paintFor } from './output/print.ts';

/** Prints the error on stderr. Returns its exit status. */
export function report(io: Io, thrown: unknown): number {
  const error = toLshError(thrown);
  const paint = paintFor(io.stderr);
  // The list of problems follows, so a sentence that ends with all of them would repeat it.
  const detail = String(error.fields.detail);
  const repeats = error.problems.length > 0 && error.message.endsWith(detail);
  const sentence = repeats ? error.message.slice(0, -detail.length).trim() : error.message;
  note(io, ...linesOf(`${paint('bad', 'error:')} ${sentence}`));
  for (const { path, message } of error.problems)
    note(io, ...linesOf(`  ${path === '' ? '' : `${path}: `}${message}`));
  note(io, ...linesOf(`${paint('head', 'hint:')} ${error.hint}`));
  note(io, paint('dim', `[${error.code}]`));
  return error.exitStatus;
}

/** A USAGE error: the command line is wrong. */
export function usage(detail: string, hint?: string): LshError {
  return new LshError('USAGE', { detail }, hint === undefined ? {} : { hint });
}

/** One exit status for several: the common failure, or 1 where the failures differ. */
export function combinedStatus(statuses: readonly number[]): number {
  const [first = EXIT.ok, ...rest] = statuses.filter((status) => status !== EXIT.ok);
  return rest.every((status) => status === first) ? first : EXIT.failure;
}
