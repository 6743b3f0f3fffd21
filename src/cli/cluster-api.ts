// The way to the jobs of a cluster. The client for it is large, so that it is loaded by such calls only.
import type { ClusterConnection } from '../processes/cluster-jobs.ts';
import type { ClusterChoice } from './cluster-options.ts';
import type { Io } from './io.ts';
import { note, paintFor } from './output/print.ts';

/** The namespace of the cluster that was chosen; connects with the first call. */
export async function connectTo(choice: ClusterChoice, io: Io): Promise<ClusterConnection> {
  const { connectCluster } = await import('../processes/cluster-jobs.ts');
  const notice = (sentence: string) => note(io, `${paintFor(io.stderr)('warn', 'note:')} ${sentence}`);
  return connectCluster({ ...choice, notice, now: io.now });
}
