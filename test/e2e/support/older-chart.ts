// The chart as it was when it came into the history, for releases that are upgraded from it.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CHART } from '../../../scripts/chart/helm.ts';

/** Puts the oldest chart into the directory; undefined where a shallow clone has none that differs from the newest. */
export function olderChart(directory: string): string | undefined {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' });
  const added = git('log', '--diff-filter=A', '--format=%H', '--', `${CHART}/Chart.yaml`);
  const commit = added.stdout.trim().split('\n').at(-1);
  if (!commit || git('diff', '--quiet', commit, '--', CHART).status === 0) return undefined;
  const unpack = 'git archive "$0" "$1" | tar -x -C "$2"';
  execFileSync('sh', ['-c', unpack, commit, CHART, directory]);
  return join(directory, CHART);
}
