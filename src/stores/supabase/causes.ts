// What a failed answer of a Supabase project, or a failure on the way to it, means to the user: the next step.

export interface FailedAnswer {
  status: number;
  /** Code of Postgres or PostgREST; empty if the answer has none. */
  code: string;
  message: string;
  format: 'json' | 'page' | 'other';
  /** Who was to be let in: a key that needs no session, a member by a session, or one who signs in. */
  asker: 'key' | 'member' | 'sign-in';
}

interface Cause {
  /** What happened, where the answer itself does not say it. */
  meaning?: string;
  hint: string;
}

/** Codes of a table, column or function that is not there; PostgREST says it in other codes since version 13. */
const NOT_THERE = new Set(['42P01', '42703', '42883', 'PGRST202', 'PGRST204', 'PGRST205']);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

const KEY_HINT =
  'Set SUPABASE_SERVICE_ROLE_KEY to the project’s service role key, or to a secret key (sb_secret_…), of its page Project Settings, API Keys.';

const SIGN_IN_HINT = 'Sign in again: `lsh supabase login`.';
const ANON_KEY_HINT =
  'Set SUPABASE_ANON_KEY to the project’s public key, or to its publishable key (sb_publishable_…), of its page Project Settings, API Keys.';
/** Codes of the sign-in for a session that cannot go on. */
const SESSION_OVER =
  /^(?:refresh_token_not_found|refresh_token_already_used|session_expired|session_not_found|user_not_found|bad_jwt)$/;

const ANSWERS: readonly (Cause & { is: (answer: FailedAnswer) => boolean })[] = [
  {
    is: ({ status, message }) => status === 540 || /\bpaused\b/i.test(message),
    meaning: 'the project is paused',
    hint: 'Restore the project in its dashboard; lsh then writes what has waited.',
  },
  {
    is: ({ status, code }) => status === 413 || code === '54000',
    meaning: 'a row is larger than the project accepts',
    hint: 'lsh keeps the row, and writes the others. A run with less output fits: LSH_RECORD_OUTPUT_BYTES, or captureOutput: false of its job.',
  },
  {
    is: ({ status }) => status === 402,
    meaning: 'the project is restricted',
    hint: 'Its organization is beyond a limit of its plan, or owes a bill: the dashboard says which.',
  },
  {
    is: ({ format }) => format === 'page',
    meaning: 'a web page in place of an answer',
    hint: 'Check SUPABASE_URL, and whether a proxy or a captive portal answers in place of the project.',
  },
  {
    is: ({ status }) => status >= 300 && status < 400,
    meaning: 'a redirect',
    hint: 'Set SUPABASE_URL to the address itself: https://PROJECT.supabase.co, without a path.',
  },
  {
    // PostgREST 12 answers an empty object for a table that it does not know.
    is: ({ status, code, format }) =>
      NOT_THERE.has(code) || (status === 404 && code === '' && format === 'json'),
    hint: 'Bring the schema up to date: `lsh supabase init`.',
  },
  {
    is: ({ code }) => code === 'invalid_credentials',
    hint: 'Check e-mail and password; `lsh supabase login --token` takes a token instead.',
  },
  {
    is: ({ code }) => code === 'email_not_confirmed',
    hint: 'Open the link in the e-mail that the project has sent to you.',
  },
  {
    is: ({ code }) => /^(?:email_provider_disabled|captcha_failed)$/.test(code),
    hint: 'Sign in with a browser, and paste the token: `lsh supabase login --token`.',
  },
  { is: ({ code }) => SESSION_OVER.test(code), hint: SIGN_IN_HINT },
  {
    is: ({ message }) => /JWT ?issued ?at ?future|JWT ?not ?yet ?valid/i.test(message),
    hint: 'Set the clock of the machine that made the token: it is ahead of the project’s.',
  },
  {
    is: ({ message, asker }) => asker === 'member' && /JWT expired/i.test(message),
    meaning: 'the session has expired',
    hint: SIGN_IN_HINT,
  },
  {
    is: ({ message, asker }) => asker === 'member' && /JWS|JWT/.test(message),
    meaning: 'the project does not accept the token of the session',
    hint: SIGN_IN_HINT,
  },
  {
    is: ({ status, asker }) => asker !== 'key' && (status === 401 || status === 403),
    hint: ANON_KEY_HINT,
  },
  { is: ({ message }) => /JWT expired/i.test(message), meaning: 'the key has expired', hint: KEY_HINT },
  {
    is: ({ status, code }) => status === 401 || status === 403 || code === '42501',
    hint: KEY_HINT,
  },
  {
    is: ({ status }) => status === 404,
    meaning: 'there is no REST API of Supabase',
    hint: 'Set SUPABASE_URL to the address itself: https://PROJECT.supabase.co, without a path.',
  },
  {
    // The team is the only row that lsh refers to and does not write itself.
    is: ({ code, message }) => code === '23503' && message.includes('lsh_origins'),
    meaning: 'the project has no such team',
    hint: `Add the team of LSH_TEAM in the SQL editor, such as: insert into lsh_teams (name) values ('payments');`,
  },
  {
    is: ({ code }) => code === '53100',
    hint: 'Make room: `select lsh_prune()` deletes old rows, or give the project a larger disk.',
  },
];

/** Undefined if lsh knows nothing about the answer beyond its own words. */
export function causeOfAnswer(answer: FailedAnswer): Cause | undefined {
  return ANSWERS.find(({ is }) => is(answer));
}

/** As causeOfAnswer(), for the code of a request without an answer. */
export function causeOfSilence(code: string): Cause | undefined {
  if (code === 'ENOTFOUND')
    return {
      meaning: 'there is no host of this name',
      hint: 'Check SUPABASE_URL; a project that has been paused for long has no address any more.',
    };
  if (CERTIFICATE.test(code))
    return {
      hint: 'A proxy may replace the certificate: name its authority in NODE_EXTRA_CA_CERTS.',
    };
  return undefined;
}

/** Whether a table, column or function of lsh is missing. */
export function isNotThere(code: unknown): boolean {
  return typeof code === 'string' && NOT_THERE.has(code);
}
