// The first version of the chart in the history with today's definition of the status, as the start of an upgrade: the
// image is today's, and could not record a run under an older definition.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CHART } from '../../../scripts/chart/helm.ts';

const DEFINITION = `${CHART}/templates/crd.yaml`;
/** What follows it in the definition is the status. */
const STATUS = '\n            status:\n';

/** Unpacks that chart into the directory. Returns undefined if the history has no chart that differs. */
export function olderChart(directory: string): string | undefined {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' });
  const statusAt = (commit: string) => git('show', `${commit}:${DEFINITION}`).stdout.split(STATUS)[1];
  const commits = git('log', '--format=%H', '--', CHART).stdout.trim().split('\n');
  const today = statusAt('HEAD');
  const later = commits.findIndex((commit) => statusAt(commit) !== today);
  const commit = later < 0 ? commits.at(-1) : commits[later - 1];
  if (!commit || git('diff', '--quiet', commit, '--', CHART).status === 0) return undefined;
  const unpack = 'git archive "$0" "$1" | tar -x -C "$2"';
  execFileSync('sh', ['-c', unpack, commit, CHART, directory]);
  return join(directory, CHART);
}
