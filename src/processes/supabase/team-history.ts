// The team’s history, by the configuration.
import type { Config } from '../../config.ts';
import type { JobSource, OutputReader } from '../../control/ports.ts';
import { hiddenValues } from '../../core/record/hidden-values.ts';
import type { Run } from '../../core/run.ts';
import { SupabaseHistory, type Origin } from '../../stores/supabase/supabase-history.ts';
import { VERSION } from '../../version.ts';
import { projectForWriting, teamOf } from './writer.ts';

/** Where the entries come from; LSH_ORIGIN replaces its name. */
export type Home = Pick<Origin, 'id' | 'kind' | 'name' | 'namespace'>;

export interface RunFacts {
  outputOf: OutputReader;
  /** The job as it is now: its values are hidden in the rows of its runs. */
  jobOf: JobSource['get'];
}

/** Returns undefined if no Supabase project is configured. Throws ENVIRONMENT_INVALID if a project lacks its key. */
export function teamHistory(
  config: Config,
  home: Home,
  { outputOf, jobOf }: RunFacts,
): SupabaseHistory | undefined {
  const { supabaseUrl, originName, recordOutputBytes, inheritedSecrets } = config;
  if (supabaseUrl === undefined) return undefined;
  const project = projectForWriting(config);
  const secrets = [project.apiKey, ...Object.values(inheritedSecrets)];
  return new SupabaseHistory({
    ...project,
    origin: { ...home, team: teamOf(config), name: originName ?? home.name, version: VERSION },
    output: recordOutputBytes === 0 ? undefined : { read: outputOf, maxBytes: recordOutputBytes },
    hidden: { ofJobs: secrets, ofRun: (run) => hiddenInRun(run, jobOf, secrets) },
  });
}

/**
 * None once the job was removed, or another has its name. The secrets of lsh are hidden only where the job names them: a search for
 * them would slow every row down. Commands do not inherit the project's key, and the runner masks the others.
 */
function hiddenInRun(
  { job: key, jobUid }: Run,
  jobOf: JobSource['get'],
  secrets: readonly string[],
): string[] {
  const job = jobOf(key);
  if (job?.uid !== jobUid) return [];
  const { command = '', args = [] } = job.spec;
  return [
    ...hiddenValues(job.spec),
    ...secrets.filter((value) => [command, ...args].join('\n').includes(value)),
  ];
}
