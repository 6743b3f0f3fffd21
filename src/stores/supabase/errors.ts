// Turns responses of a Supabase project, and failures on the way to it, into errors of the error table.
import { LshError, type ErrorCode } from '../../core/errors.ts';
import { causeOfAnswer, causeOfSilence, type FailedAnswer } from './causes.ts';

/** A Supabase project, and who asks it. */
export interface Project {
  /** Such as https://abcdefgh.supabase.co. */
  url: string;
  /** Secret unless it is the public key: one of the service role bypasses row-level security. */
  apiKey: string;
  /** The variable that holds the key, for hints; SUPABASE_SERVICE_ROLE_KEY where absent. */
  keyVariable?: 'SUPABASE_ANON_KEY';
  /** Gives a token of the member who asks, valid now; undefined if the key itself says who asks. */
  accessToken?: (() => Promise<string>) | undefined;
}

/** Fits a sentence of Postgres, and cuts the HTML page of a proxy. */
const DETAIL_MAX_LENGTH = 300;
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** The error of a failed response: HISTORY_UNAVAILABLE if the same request may succeed later, else HISTORY_REFUSED. */
export async function answerError(response: Response, project: Project): Promise<LshError> {
  const { status } = response;
  const text = await response.text();
  const { code = '', message = '', format } = complaint(text);
  const isTransient = status === 408 || status === 429 || status >= 500;
  const cause = causeOfAnswer({ status, code, message, format, asker: askerOf(project) });
  const words = [`HTTP ${status}${code === '' ? '' : ` (${code})`}`, message, cause?.meaning ?? ''];
  return historyError(isTransient ? 'HISTORY_UNAVAILABLE' : 'HISTORY_REFUSED', project, {
    detail: words.filter((part) => part !== '').join(': '),
    code,
    hint: cause?.hint,
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
  if (!(cause instanceof Error)) return historyError('HISTORY_REFUSED', project, { detail: thrown.message });
  const { code = '' } = cause as NodeJS.ErrnoException;
  const { meaning, hint } = causeOfSilence(code) ?? {};
  return historyError('HISTORY_UNAVAILABLE', project, {
    detail: meaning ?? (cause.message || code || cause.name),
    hint,
  });
}

/** HISTORY_REFUSED for a successful response that PostgREST cannot have sent. */
export function unexpectedAnswer(project: Project): LshError {
  return historyError('HISTORY_REFUSED', project, {
    detail: 'the answer does not come from Supabase’s REST API',
    hint: causeOfAnswer({ status: 200, code: '', message: '', format: 'page', asker: 'key' })?.hint,
  });
}

function askerOf({ keyVariable, accessToken }: Project): FailedAnswer['asker'] {
  if (keyVariable === undefined) return 'key';
  return accessToken === undefined ? 'sign-in' : 'member';
}

interface Particulars {
  detail: string;
  /** Code of Postgres or PostgREST. */
  code?: string;
  /** Replaces the hint of the table. */
  hint?: string | undefined;
  retryAfterMs?: number;
}

/** Sets no `cause`: logs print it whole, and fetch() quotes a header that it refuses, such as the key. */
function historyError(
  code: ErrorCode,
  { url, apiKey }: Project,
  { detail, code: answerCode, hint, retryAfterMs }: Particulars,
): LshError {
  const masked = (apiKey === '' ? detail : detail.replaceAll(apiKey, '[key]')).replaceAll(TOKEN, '[token]');
  const shortened = withoutPassword(masked)
    .slice(0, DETAIL_MAX_LENGTH)
    .replace(/[.\s]+$/, '');
  const fields = { url: withoutPassword(url), detail: shortened, ...(answerCode && { code: answerCode }) };
  return new LshError(code, fields, { hint, retryAfterMs });
}

/** Removes user and password from URLs: fetch() refuses such a URL and quotes it. */
function withoutPassword(text: string): string {
  return text.replaceAll(/(?<=:\/\/)[^/\s]*@/g, '');
}

interface Complaint {
  code?: string;
  message?: string;
  format: FailedAnswer['format'];
}

/** The error of PostgREST, of the sign-in, or of the gateway in front of them; empty if the body is not JSON. */
function complaint(body: string): Complaint {
  try {
    // Those of the sign-in are error_code and msg where it does not know the version that was asked for.
    const { code, error_code, message, msg } = Object(JSON.parse(body)) as Record<string, unknown>;
    return {
      code: [code, error_code].find((part) => typeof part === 'string'),
      message: [message, msg].find((part) => typeof part === 'string'),
      format: 'json',
    };
  } catch {
    return { format: /^\s*<(?:!doctype|html|h\d|head|body)/i.test(body) ? 'page' : 'other' };
  }
}

/** The Retry-After header in milliseconds; undefined if it is missing or a date. */
function retryAfterMs({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
