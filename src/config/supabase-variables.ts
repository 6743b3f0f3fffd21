// The variables of a team's Supabase project.
import { amount, BYTES, text, url, type Variable } from './kinds.ts';

/** Where the project is, and who lsh is there, in the order of docs/configuration.md. */
export const SUPABASE_VARIABLES = {
  supabaseUrl: url(
    'SUPABASE_URL',
    'URL of the Supabase project of the team’s history and secrets; when not set, the daemon and the operator record nothing there.',
    { inherited: true },
  ),
  supabaseServiceRoleKey: key(
    'SUPABASE_SERVICE_ROLE_KEY',
    'Key of the role service_role of that project, or a secret key (sb_secret_…). Required by what writes there when SUPABASE_URL is set.',
  ),
  supabaseAnonKey: key(
    'SUPABASE_ANON_KEY',
    'Public key of that project (anon, or sb_publishable_…). With it a member reads after `lsh supabase login`; the daemon and the operator record nothing with it.',
    true,
  ),
  team: {
    ...text(
      'LSH_TEAM',
      'Team that owns the rows which the daemon or the operator records there, and whose rows `--remote` reads, and of its secrets.',
      { inherited: true },
    ),
    type: 'small letters, digits and hyphens, at most 63',
    shownDefault: 'default; when reading, the team that was chosen at the sign-in',
    read: (value) => (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value) ? value : undefined),
  } as Variable<string | undefined>,
  originName: text('LSH_ORIGIN', 'Name of this machine or cluster there, for people.', {
    shownDefault: 'the host name; in a cluster, the namespace of the operator',
  }),
  secretsStore: {
    ...text(
      'LSH_SECRETS_STORE',
      'Where encrypted secrets are: supabase, or file for the files of the user or of the project.',
      {
        shownDefault:
          'supabase when SUPABASE_URL is set, unless the project keeps its secrets in its repository',
        inherited: true,
      },
    ),
    type: 'supabase or file',
    read: (value) => (value === 'supabase' || value === 'file' ? value : undefined),
  } as Variable<'supabase' | 'file' | undefined>,
  recordOutputBytes: amount(
    'LSH_RECORD_OUTPUT_BYTES',
    'a number of bytes (KiB, MiB)',
    { units: BYTES, min: '0', max: '16MiB', default: '256KiB' },
    'Output of each run that the daemon or the operator records there, in chunks of at most 64 KiB; of a longer output the beginning and the end. lsh masks only the secrets that it knows; 0 keeps all output on the machine.',
  ),
  supabaseDbUrl: {
    ...text(
      'SUPABASE_DB_URL',
      'Connection string of the project’s database, with its password. Only `lsh supabase init` reads it.',
    ),
    type: 'a URL that begins with postgresql:// or postgres://',
    secret: true,
    read: (value) => (/^postgres(?:ql)?:\/\//.test(value.trim()) ? value.trim() : undefined),
  } as Variable<string | undefined>,
};

function key(name: string, description: string, inherited?: true): Variable<string | undefined> {
  // A Secret that was created from a file ends with the newline of the file.
  return {
    ...text(name, description, { inherited }),
    secret: true,
    read: (value) => value.trim() || undefined,
  };
}
