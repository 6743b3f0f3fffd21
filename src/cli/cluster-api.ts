// Connects to the jobs of a cluster. The client is large, so only commands with --cluster load it.
import type { ClusterConnection } from '../processes/cluster-jobs.ts';
import type { ClusterChoice } from './context.ts';
import type { Io } from './io.ts';
import { note, paintFor } from './output/print.ts';

/** The chosen cluster and namespace; connects on the first call. */
export async function connectTo(choice: ClusterChoice, io: Io): Promise<ClusterConnection> {
  const { connectCluster } = await import('../processes/cluster-jobs.ts');
  const notice = (sentence: string) => note(io, `${paintFor(io.stderr)('warn', 'note:')} ${sentence}`);
  return connectCluster({ ...choice, notice, now: io.now });
}
