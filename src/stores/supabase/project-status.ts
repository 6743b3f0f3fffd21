// The state of a Supabase project, as one who writes there sees it: for `lsh supabase status`.
import { LshError } from '../../core/errors.ts';
import { isNotThere } from './causes.ts';
import { unexpectedAnswer } from './errors.ts';
import { keyFacts, type KeyFacts } from './key.ts';
import { FIRST_VERSION, NEWEST_VERSION } from './migrations.ts';
import { ProjectClient, type ProjectClientOptions, type StatusRow } from './project-client.ts';

export interface ProjectStatus {
  url: string;
  /** How long the answer took, in milliseconds. */
  tookMs: number;
  key: KeyFacts;
  /** Whether a member asks, who reads alone. */
  isMember: boolean;
  /** Version of the schema. */
  schema: string;
  /** Version that this lsh is made for. */
  newestSchema: string;
  /** The rest; undefined if the schema is too old to say it. */
  facts: Omit<StatusRow, 'schema'> | undefined;
  /** How far the project’s clock is ahead of this machine’s, in milliseconds; negative if it is behind. */
  clockAheadMs: number | undefined;
}

/** Throws SUPABASE_SCHEMA_MISSING, HISTORY_UNAVAILABLE or HISTORY_REFUSED. */
export async function projectStatus(
  options: ProjectClientOptions,
  now: () => number,
): Promise<ProjectStatus> {
  const client = new ProjectClient(options);
  const askedAt = now();
  const { schema, ...facts } = await ask(client);
  const tookMs = now() - askedAt;
  return {
    url: client.project.url,
    tookMs,
    key: keyFacts((await options.accessToken?.()) ?? options.apiKey),
    isMember: options.accessToken !== undefined,
    schema,
    newestSchema: NEWEST_VERSION,
    facts: 'rows' in facts ? facts : undefined,
    clockAheadMs:
      client.answeredAt === undefined ? undefined : client.answeredAt - Math.round(askedAt + tookMs / 2),
  };
}

/** What the database says of itself. The first version of the schema cannot. */
async function ask(client: ProjectClient): Promise<StatusRow | Pick<StatusRow, 'schema'>> {
  try {
    const row = await client.call((api, signal) =>
      api.rpc('lsh_status', {}).abortSignal(signal).throwOnError(),
    );
    if (typeof row?.schema !== 'string') throw unexpectedAnswer(client.project);
    return row;
  } catch (error) {
    if (!(error instanceof LshError) || !isNotThere(error.fields['code'])) throw error;
    await requireRuns(client);
    return { schema: FIRST_VERSION };
  }
}

async function requireRuns(client: ProjectClient): Promise<void> {
  try {
    await client.call((api, signal) =>
      api.from('lsh_runs').select('name').limit(1).abortSignal(signal).throwOnError(),
    );
  } catch (error) {
    if (!(error instanceof LshError) || !isNotThere(error.fields['code'])) throw error;
    throw new LshError('SUPABASE_SCHEMA_MISSING', { url: client.project.url });
  }
}
