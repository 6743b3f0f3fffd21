// Every failure as people see it on stderr: the sentence, what is wrong in detail, what to do next, the code.
import { EXIT, LshError, toLshError } from '../core/errors.ts';
import type { Io } from './io.ts';
import { note, paintFor } from './output/print.ts';

/** Writes the error to stderr and answers with its exit status. */
export function report(io: Io, thrown: unknown): number {
  const error = toLshError(thrown);
  const paint = paintFor(io.stderr);
  // Where a list of problems follows, a sentence that ends with all of them says everything twice.
  const detail = String(error.fields.detail);
  const repeats = error.problems.length > 0 && error.message.endsWith(detail);
  const sentence = repeats ? error.message.slice(0, -detail.length).trim() : error.message;
  note(io, `${paint('bad', 'error:')} ${sentence}`);
  for (const { path, message } of error.problems) note(io, `  ${path === '' ? '' : `${path}: `}${message}`);
  note(io, `${paint('head', 'hint:')} ${error.hint}`);
  note(io, paint('dim', `[${error.code}]`));
  return error.exitStatus;
}

/** What is wrong with how a command was called. */
export function usage(detail: string, hint?: string): LshError {
  return new LshError('USAGE', { detail }, hint === undefined ? {} : { hint });
}

/** One status for several outcomes: theirs where they agree, else plain failure. */
export function combinedStatus(statuses: readonly number[]): number {
  const [first = EXIT.ok, ...rest] = statuses.filter((status) => status !== EXIT.ok);
  return rest.every((status) => status === first) ? first : EXIT.failure;
}
