// What a Supabase project answers, and what happens on the way to it, in the words of our error table.
import { LshError, type ErrorCode } from '../../core/errors.ts';

/** The project that was asked; the key is here to be kept out of every message. */
export interface Project {
  url: string;
  serviceRoleKey: string;
}

/** Long enough for a sentence of Postgres, too short for the page of a proxy. */
const DETAIL_MAX_LENGTH = 300;

/** An answer other than success: HISTORY_UNAVAILABLE where the same request may succeed later. */
export async function answerError(response: Response, project: Project): Promise<LshError> {
  const { status } = response;
  const { code = '', message } = complaint(await response.text());
  const passes = status === 408 || status === 429 || status >= 500;
  const said = message === undefined ? '' : `: ${message}`;
  return historyError(passes ? 'HISTORY_UNAVAILABLE' : 'HISTORY_REFUSED', project, {
    detail: `HTTP ${status}${code === '' ? '' : ` (${code})`}${said}`,
    retryAfterMs: retryAfterMs(response),
  });
}

/** What was thrown in place of an answer; an LshError stays as it is. */
export function requestError(thrown: unknown, project: Project, timeoutMs: number): LshError {
  if (thrown instanceof LshError) return thrown;
  if (!(thrown instanceof Error)) return historyError('HISTORY_REFUSED', project, { detail: String(thrown) });
  if (thrown.name === 'TimeoutError') {
    return historyError('HISTORY_UNAVAILABLE', project, { detail: `no answer within ${timeoutMs / 1000} s` });
  }
  // A success that the client could not read.
  if (thrown.name === 'PostgrestError') return strangeAnswer(project);
  // fetch() wraps what the network did; what has no cause it refused itself, such as a key that is no header.
  const { cause } = thrown;
  return cause instanceof Error
    ? historyError('HISTORY_UNAVAILABLE', project, { detail: cause.message || cause.name })
    : historyError('HISTORY_REFUSED', project, { detail: thrown.message });
}

/** HISTORY_REFUSED: a success, but none of a table that was written to. */
export function strangeAnswer(project: Project): LshError {
  return historyError('HISTORY_REFUSED', project, { detail: 'the answer is not one of Supabase’s REST API' });
}

/** Never with a cause: a log shows all of it, and fetch() quotes a header that it refuses. */
function historyError(
  code: ErrorCode,
  { url, serviceRoleKey }: Project,
  { detail, retryAfterMs }: { detail: string; retryAfterMs?: number },
): LshError {
  const shown = serviceRoleKey === '' ? detail : detail.replaceAll(serviceRoleKey, '[key]');
  const told = withoutPassword(shown)
    .slice(0, DETAIL_MAX_LENGTH)
    .replace(/[.\s]+$/, '');
  return new LshError(code, { url: withoutPassword(url), detail: told }, { retryAfterMs });
}

/** fetch() refuses an address with user and password, and quotes it. */
function withoutPassword(text: string): string {
  return text.replaceAll(/(?<=:\/\/)[^/\s]*@/g, '');
}

/** PostgREST’s error, or that of the gateway in front of it; nothing for what is not JSON. */
function complaint(body: string): { code?: string; message?: string } {
  try {
    const { code, message } = Object(JSON.parse(body)) as Record<string, unknown>;
    return {
      code: typeof code === 'string' ? code : undefined,
      message: typeof message === 'string' ? message : undefined,
    };
  } catch {
    return {};
  }
}

/** How long the answer asks to wait, milliseconds; undefined where it does not say in seconds. */
function retryAfterMs({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
