// Adds positions in the file to the problems of a document.
import { LshError } from '../../core/errors.ts';
import type { SourceDocument } from './documents.ts';

/** The error with `file:line:column` before the path of each problem. */
export function located(document: SourceDocument, thrown: unknown): unknown {
  if (!(thrown instanceof LshError)) return thrown;
  const problems = thrown.problems.map(({ path, message }) => ({
    path: path === '' ? document.where(path) : `${document.where(path)}: ${path}`,
    message,
  }));
  problems.sort((a, b) => lineOf(a.path) - lineOf(b.path));
  return new LshError(thrown.code, thrown.fields, { cause: thrown, hint: thrown.hint, problems });
}

/** The line in `file:line:column`. */
function lineOf(path: string): number {
  return Number(/:(\d+):\d+(?=:|$)/.exec(path)?.[1] ?? 0);
}

/** Throws JOB_INVALID if the document has syntax errors. */
export function assertReadable({ problems }: SourceDocument): void {
  if (problems.length === 0) return;
  const detail = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new LshError('JOB_INVALID', { detail }, { problems });
}
