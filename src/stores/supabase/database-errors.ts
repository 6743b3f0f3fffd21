// Errors of a Postgres, and of the way to it, as errors of the error table with the next step.
import { LshError } from '../../core/errors.ts';

interface Meaning {
  is: RegExp;
  hint: string;
}

const POOLER =
  'On the project’s page Connect, take the connection string of the session pooler: it answers over IPv4, too.';

/** By code, or by the words of the driver where there is no code. */
const MEANINGS: readonly Meaning[] = [
  {
    is: /^28P01$|^28000$|password must be a string/,
    hint: 'Set the password of the database in SUPABASE_DB_URL; the project’s page Database resets it.',
  },
  {
    is: /Tenant or user not found|tenant\/user .* not found/i,
    hint: 'Check user and region of SUPABASE_DB_URL: at a pooler, the user is postgres.PROJECT.',
  },
  { is: /^3D000$/, hint: 'Check the database of SUPABASE_DB_URL: in a project it is postgres.' },
  { is: /^42501$/, hint: 'Connect as the owner of the tables: in a project, that is postgres.' },
  { is: /^55P03$/, hint: 'Another session holds a lock on the tables; try again when it has ended.' },
  {
    is: /does not support SSL/,
    hint: 'Add ?sslmode=disable to SUPABASE_DB_URL if the network between is private.',
  },
  {
    is: /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/,
    hint: 'Name the certificate of the authority, which the project’s page Database offers, in SUPABASE_DB_URL: sslrootcert=FILE.',
  },
  { is: /^ENOTFOUND$|^ENETUNREACH$|^EHOSTUNREACH$/, hint: POOLER },
];

/** Classes and codes of Postgres for a server that is away or busy. */
const AWAY = /^(?:08|53|57P)/;

/** DATABASE_UNREACHABLE if the same call may succeed later, else DATABASE_REFUSED; an LshError stays as it is. */
export function databaseError(thrown: unknown, host: string): LshError {
  if (thrown instanceof LshError) return thrown;
  const { code = '', message = String(thrown) } = innermost(thrown);
  const hint = MEANINGS.find(({ is }) => is.test(code) || is.test(message))?.hint;
  const isAnswer = /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code);
  const isAway = isAnswer ? AWAY.test(code) : !/SSL|CERT|SIGNED|VERIFY|password/.test(code + message);
  const detail = `${message.replace(/[.\s]+$/, '')}${isAnswer ? ` (${code})` : ''}`;
  return new LshError(isAway ? 'DATABASE_UNREACHABLE' : 'DATABASE_REFUSED', { host, detail }, { hint });
}

/** Node wraps the failures of several addresses of one host. */
function innermost(thrown: unknown): { code?: string; message?: string } {
  const [first] = thrown instanceof AggregateError ? (thrown.errors as unknown[]) : [thrown];
  return first ?? thrown ?? {};
}
