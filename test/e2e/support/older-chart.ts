// The first version of the chart in the history, as the start of an upgrade.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CHART } from '../../../scripts/chart/helm.ts';

/** Unpacks the oldest chart into the directory. Returns undefined if a shallow clone has no chart that differs. */
export function olderChart(directory: string): string | undefined {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' });
  const added = git('log', '--diff-filter=A', '--format=%H', '--', `${CHART}/Chart.yaml`);
  const commit = added.stdout.trim().split('\n').at(-1);
  if (!commit || git('diff', '--quiet', commit, '--', CHART).status === 0) return undefined;
  const unpack = 'git archive "$0" "$1" | tar -x -C "$2"';
  execFileSync('sh', ['-c', unpack, commit, CHART, directory]);
  return join(directory, CHART);
}
