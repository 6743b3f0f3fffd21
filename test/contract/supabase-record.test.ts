// The team's project as a record of runs: the writer is SupabaseHistory, the reader a member who has signed in, through the real
// REST API and its row-level security.
import { afterAll, beforeAll, describe } from 'vitest';
import type { RunQuery } from '../../src/contracts/stores.ts';
import type { Run } from '../../src/core/run.ts';
import { splitKey } from '../../src/core/naming.ts';
import { ProjectClient } from '../../src/stores/supabase/project-client.ts';
import { runOfRow } from '../../src/stores/supabase/rows.ts';
import { NO_SUPABASE, RunRecorder, Supabase } from '../support/stores/supabase.ts';
import { recordContract, type OpenedRecord } from './record-contract.ts';

let supabase: Supabase;

async function open(): Promise<OpenedRecord> {
  await supabase.clear();
  await supabase.sql(`insert into lsh_members (team, user_id) values ('default', 'ada')`);
  const { url, serviceRoleKey, anonKey } = supabase;
  const writer = new RunRecorder({ url, apiKey: serviceRoleKey });
  const token = supabase.userToken('ada');
  const reader = new ProjectClient({ url, apiKey: anonKey, accessToken: async () => token });
  return {
    record: { record: (runs) => writer.record(runs), runs: (query) => runsOf(reader, query) },
    clear: async () => void (await supabase.sql('truncate lsh_run_logs, lsh_runs')),
    close: async () => {},
  };
}

async function runsOf(reader: ProjectClient, { job, phases, since, limit = 50 }: RunQuery): Promise<Run[]> {
  const rows = await reader.call((api, signal) => {
    let select = api.from('lsh_runs').select();
    if (job !== undefined)
      select = select.eq('namespace', splitKey(job).namespace).eq('job', splitKey(job).name);
    if (phases !== undefined) select = select.in('phase', [...phases]);
    if (since !== undefined) select = select.gte('created_at', new Date(since).toISOString());
    return select.order('created_at', { ascending: false }).limit(limit).abortSignal(signal).throwOnError();
  });
  return (rows ?? []).map(runOfRow);
}

describe.skipIf(NO_SUPABASE)('Supabase', () => {
  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());

  recordContract('the project of a team', open);
});
