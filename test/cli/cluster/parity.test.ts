// The same command lines on the local daemon and on a cluster: the same output, fields and exit statuses.
import { describe, expect, test } from 'vitest';
import type { CallOptions } from '../../support/daemon/cli.ts';
import { aSharedDaemon, lsh } from '../../support/daemon/cli.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';

const MANIFEST = `apiVersion: lsh.dev/v1alpha1
kind: LshJob
metadata: {name: applied}
spec: {schedule: '0 3 1 1 *', timeZone: UTC, executor: Shell, args: [printf, "%s", done]}
`;
const ADD = ['cron', 'add', '-n', 'job', '-s', '0 2 1 1 *', '--tz', 'UTC', '--executor', 'shell'];

type Step = [args: string[], options?: CallOptions];

/** Each step builds on the steps before it. */
const STEPS: Step[] = [
  [['cron', 'list']],
  [[...ADD, '-c', 'echo out; exit 3']],
  [[...ADD, '-c', 'echo out; exit 3']],
  [[...ADD, '-c', 'echo out; exit 4', '--retries', '0', '--tag', 'a']],
  [[...ADD, '-c', 'true', '--concurrency-group', 'deploy:2', '--dry-run', '-o', 'json']],
  [[...ADD, '-c', 'true', '--concurrency-group', 'Deploy', '--dry-run']],
  [['cron', 'add', '-n', 'job', '--after', 'job', '-c', 'true', '--executor', 'shell']],
  [['cron', 'add', '-n', 'next', '--after', 'job:Ended', '-c', 'true', '--tz', 'UTC', '--executor', 'shell']],
  [['cron', 'add', '-n', 'next', '--after', 'job:Never', '-c', 'true', '--executor', 'shell']],
  [['cron', 'add', '-n', 'lost', '--after', 'nobody', '-c', 'true', '--executor', 'shell', '--dry-run']],
  [['cron', 'explain', 'next', '--at', '2020-01-01T00:00:00Z']],
  [[...ADD, '-c', 'rm -rf /']],
  [[...ADD, '-c', 'true', '--tz', 'Mars/Phobos']],
  [[...ADD, '-c', 'true', '--dry-run', '-o', 'json']],
  [['cron', 'trigger', 'job', '--wait', '--id', 'first']],
  [['cron', 'trigger', 'job', '--id', 'first', '-o', 'json']],
  [['cron', 'trigger', 'nobody']],
  [['cron', 'logs', 'job']],
  [['cron', 'history', 'job']],
  [['cron', 'history', 'job', '-o', 'json']],
  [['cron', 'history', '--failed', '-o', 'name']],
  [['cron', 'report', 'job']],
  [['cron', 'report', '-o', 'json']],
  [['cron', 'list']],
  [['cron', 'list', '-o', 'wide']],
  [['cron', 'list', '-o', 'json']],
  [['cron', 'get', 'job', '-o', 'json']],
  [['cron', 'get', 'nobody']],
  [['cron', 'next', 'job']],
  [['cron', 'explain', 'job', '--at', '2020-01-01T00:00:00Z']],
  [['cron', 'backfill', 'job', '--from', '2020-01-01', '--to', '2022-12-31', '--dry-run']],
  [['cron', 'backfill', 'job', '--from', '2020-01-01', '--to', '2020-01-02', '--dry-run', '-o', 'json']],
  [['cron', 'backfill', 'job', '--from', '2020-02-01', '--to', '2020-03-01']],
  [['cron', 'backfill', 'job', '--from', '2020-01-01', '--parallel', '51']],
  [['cron', 'backfill', 'job', '--from', '2098-01-01']],
  [['cron', 'backfill', 'job', '--cancel']],
  [['cron', 'backfill', 'nobody', '--from', '2020-01-01']],
  [['cron', 'pause', 'job']],
  [['cron', 'pause', 'job']],
  [['cron', 'pause', 'job', '--until', '2099-01-01T00:00:00Z']],
  [['cron', 'resume', 'job']],
  [['cron', 'stop', 'job']],
  [['cron', 'validate', '-'], { stdin: MANIFEST }],
  [['apply', '-f', '-'], { stdin: MANIFEST }],
  [['apply', '-f', '-'], { stdin: MANIFEST }],
  [['cron', 'trigger', 'applied', '--wait', '--id', 'second']],
  [['cron', 'logs', 'applied']],
  [['cron', 'list', '--tag', 'a', '-o', 'name']],
  [['cron', 'import', '--crontab', '-', '--dry-run'], { stdin: '5 4 * * * /bin/clean-up\n' }],
  [['cron', 'create-from-template', 'disk-monitor', '--executor', 'shell', '--dry-run', '-o', 'name']],
  [['delete', '-f', '-'], { stdin: MANIFEST }],
  [['cron', 'remove', 'next']],
  [['cron', 'remove', 'job']],
  [['cron', 'remove', 'job']],
];

/** Replaces the parts that differ between the platforms with placeholders. */
function shape(text: string, namespace: string): string {
  return (
    text
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g, 'INSTANT')
      .replaceAll(/"uid": ".*"/g, '"uid": UID')
      .replaceAll(/"(\w+Ms|p95Ms|generation|observedGeneration)": \d+/g, '"$1": NUMBER')
      .replaceAll(/"(recentDurationsMs|durationsMs)": \[[^\]]*\]/g, '"$1": NUMBERS')
      .replaceAll(/\b(\d+(\.\d+)?(ms|s)|in \d+ \w+|\d+ \w+ ago|now)\b/g, 'TIME')
      .replaceAll(/\w{3} \d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?/g, 'WHEN')
      .replaceAll(/[▁▂▃▅▇]/g, '▇')
      .replaceAll(/ {2,}/g, '  ')
      .replaceAll(`"namespace": "${namespace}"`, '"namespace": NAMESPACE')
      .replaceAll(/List the jobs( of the namespace)? with .*/g, 'List the jobs')
      .replaceAll(/"requestedBy": ".*",?\n\s*/g, '')
      // The daemon stores it with the run only; in a cluster it is part of the LshJob.
      .replaceAll(/"outputTail": ".*",?\n\s*/g, '')
      .replaceAll(/ --cluster\b/g, '')
  );
}

describe.skipIf(NO_KUBE)('local and cluster', () => {
  const home = aSharedDaemon();
  const cli = aTestCluster('parity', { controller: true });

  test('every step of a long session prints the same on both', async () => {
    for (const [args, options] of STEPS) {
      const [local, cluster] = await Promise.all([lsh(home, args, options), cli.call(args, options)]);
      const said = ({ status, stdout, stderr }: typeof local, namespace: string) => ({
        args,
        status,
        stdout: shape(stdout, namespace),
        stderr: shape(stderr, namespace),
      });
      expect(said(cluster, 'parity')).toEqual(said(local, 'local'));
    }
  });
});
