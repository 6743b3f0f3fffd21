// Turns responses of a Supabase project, and failures on the way to it, into errors of the error table.
import { LshError, type ErrorCode } from '../../core/errors.ts';

/** The project; its key is here so that historyError() can mask it. */
export interface Project {
  url: string;
  serviceRoleKey: string;
}

/** Fits a sentence of Postgres, and cuts the HTML page of a proxy. */
const DETAIL_MAX_LENGTH = 300;

/** The error of a failed response: HISTORY_UNAVAILABLE if the same request may succeed later, else HISTORY_REFUSED. */
export async function answerError(response: Response, project: Project): Promise<LshError> {
  const { status } = response;
  const { code = '', message } = complaint(await response.text());
  const isTransient = status === 408 || status === 429 || status >= 500;
  const reason = message === undefined ? '' : `: ${message}`;
  return historyError(isTransient ? 'HISTORY_UNAVAILABLE' : 'HISTORY_REFUSED', project, {
    detail: `HTTP ${status}${code === '' ? '' : ` (${code})`}${reason}`,
    retryAfterMs: retryAfterMs(response),
  });
}

/** The error of a request without a response; an LshError stays as it is. */
export function requestError(thrown: unknown, project: Project, timeoutMs: number): LshError {
  if (thrown instanceof LshError) return thrown;
  if (!(thrown instanceof Error)) return historyError('HISTORY_REFUSED', project, { detail: String(thrown) });
  if (thrown.name === 'TimeoutError') {
    return historyError('HISTORY_UNAVAILABLE', project, { detail: `no answer within ${timeoutMs / 1000} s` });
  }
  // The client could not parse a successful response.
  if (thrown.name === 'PostgrestError') return unexpectedAnswer(project);
  // fetch() wraps a network error as `cause`. Without a cause it refused the request itself, such as for a key that
  // cannot be a header.
  const { cause } = thrown;
  return cause instanceof Error
    ? historyError('HISTORY_UNAVAILABLE', project, { detail: cause.message || cause.name })
    : historyError('HISTORY_REFUSED', project, { detail: thrown.message });
}

/** HISTORY_REFUSED for a successful response that PostgREST cannot have sent. */
export function unexpectedAnswer(project: Project): LshError {
  return historyError('HISTORY_REFUSED', project, {
    detail: 'the answer does not come from Supabase’s REST API',
  });
}

/** Sets no `cause`: logs print it whole, and fetch() quotes a header that it refuses, such as the key. */
function historyError(
  code: ErrorCode,
  { url, serviceRoleKey }: Project,
  { detail, retryAfterMs }: { detail: string; retryAfterMs?: number },
): LshError {
  const masked = serviceRoleKey === '' ? detail : detail.replaceAll(serviceRoleKey, '[key]');
  const shortened = withoutPassword(masked)
    .slice(0, DETAIL_MAX_LENGTH)
    .replace(/[.\s]+$/, '');
  return new LshError(code, { url: withoutPassword(url), detail: shortened }, { retryAfterMs });
}

/** Removes user and password from URLs: fetch() refuses such a URL and quotes it. */
function withoutPassword(text: string): string {
  return text.replaceAll(/(?<=:\/\/)[^/\s]*@/g, '');
}

/** The error of PostgREST, or of the gateway in front of it; empty if the body is not JSON. */
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

/** The Retry-After header in milliseconds; undefined if it is missing or a date. */
function retryAfterMs({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
