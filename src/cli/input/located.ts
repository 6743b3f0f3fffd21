// Problems of a document with the place where each field stands in its file.
import { LshError } from '../../core/errors.ts';
import type { SourceDocument } from './documents.ts';

/** What was thrown about the document, with `file:line:column` in front of each path. */
export function located(document: SourceDocument, thrown: unknown): unknown {
  if (!(thrown instanceof LshError)) return thrown;
  const problems = thrown.problems.map(({ path, message }) => ({
    path: path === '' ? document.where(path) : `${document.where(path)}: ${path}`,
    message,
  }));
  return new LshError(thrown.code, thrown.fields, { cause: thrown, hint: thrown.hint, problems });
}

/** Throws JOB_INVALID where the document could not be read at all. */
export function assertReadable({ problems }: SourceDocument): void {
  if (problems.length === 0) return;
  const detail = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new LshError('JOB_INVALID', { detail }, { problems });
}
