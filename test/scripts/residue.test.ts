// What the end-to-end tests would say if they left something, tried in namespaces that take it away again.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const OWN_PLACE = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL', '--'];
const NEEDED = ['unshare --net --mount --pid --fork true', 'ip -V', 'iptables --version'];
const cannot = NEEDED.find((command) => spawnSync('sh', ['-c', command]).status !== 0);
if (cannot !== undefined && process.env['CI']) throw new Error(`the tests of residue need: ${cannot}`);
if (cannot !== undefined) process.stderr.write(`The tests of residue are skipped: no ${cannot} here.\n`);

/** The small disks of other tests, whose removal takes them out of every namespace. */
const OF_OTHERS = /\(tmpfs lsh-test\)$/;

/** What is said to be left of a script that ran beside a tmpfs on /run. */
function left(script: string): string[] {
  const begin = 'mount -t tmpfs tmpfs /run && exec "$0" test/fixtures/leave-residue.ts "$1"';
  const args = [...OWN_PLACE, 'sh', '-c', begin, process.execPath, script];
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as string[]).filter((line) => !OF_OTHERS.test(line));
}

describe.skipIf(cannot !== undefined)('residue', () => {
  test('is not seen where there is none', () => {
    expect(left('ip link add lsh-left type bridge && ip link delete lsh-left')).toEqual([]);
  });

  test.each([
    ['a mount', 'mount -t tmpfs left /mnt', /^a new mount: \/mnt \(tmpfs left\)$/],
    ['a lost mount', 'umount /run', /^a lost mount: \/run \(tmpfs tmpfs\)$/],
    ['a link', 'ip link add lsh-left type bridge', /^a new network link: lsh-left$/],
    ['a rule', 'iptables -A INPUT -p tcp --dport 1 -j DROP', /^a new iptables rule: .*--dport 1 -j DROP$/],
    ['a namespace', 'ip netns add lsh-left', /^a new network namespace: lsh-left$/],
    ['a process', 'sleep 600 &', /^a new process: \d+ sleep 600 $/],
  ])('is told of: %s', (_, script, line) => {
    expect(left(script)).toContainEqual(expect.stringMatching(line));
  });
});
