// docs/spec.md against the flags of `lsh cron add`.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { specFromFlags } from '../../src/cli/input/spec-from-flags.ts';
import { FLAGS } from '../../scripts/pages/spec.ts';
import { lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';

/** Flags that are about the call, not about the spec. */
const CALL_FLAGS: string[] = [
  '--cluster',
  '--context',
  '--dry-run',
  '--help',
  '--kubeconfig',
  '--name',
  '--namespace',
  '--output',
];

const flagsOf = (text: string) => [...text.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag);

test('lsh cron add has every flag that the page names, and the page names every flag of the spec', async () => {
  const help = await lshOk(aHome(), ['cron', 'add', '--help']);
  const offered = new Set(flagsOf(help.slice(help.indexOf('Options:'), help.indexOf('Examples'))));
  const named = new Set(Object.values(FLAGS).flatMap(flagsOf));
  expect([...named].filter((flag) => !offered.has(flag))).toEqual([]);
  const others = [...offered].filter((flag) => !named.has(flag));
  expect(others.sort()).toEqual(CALL_FLAGS);
});

test('the page has a row for every field with a flag', () => {
  const rows = readFileSync('docs/spec.md', 'utf8').split('\n');
  for (const [path, flag] of Object.entries(FLAGS)) {
    const start = `| \`${path.replace('retry.', '')}\` |`;
    expect(rows.filter((row) => row.startsWith(start) && row.endsWith(`| ${flag} |`))).toHaveLength(1);
  }
});

test('the flags of retries and of the history set their fields', () => {
  expect(
    specFromFlags({
      command: 'true',
      schedule: ['@daily'],
      missed: 'all',
      maxMissed: '4',
      retries: '3',
      retryFactor: '1.5',
      retryMaxDelay: '10m',
      retryJitter: '0',
      retryOn: '75, 111',
      neverRetryOn: '2',
      keepSuccessful: '5',
      keepFailed: '6',
      captureOutput: false,
    }),
  ).toEqual({
    command: 'true',
    schedule: '@daily',
    missedRunPolicy: 'All',
    maxMissedRuns: 4,
    retry: { limit: 3, factor: 1.5, maxSeconds: 600, jitter: 0, onExitCodes: [75, 111], notOnExitCodes: [2] },
    successfulRunsHistoryLimit: 5,
    failedRunsHistoryLimit: 6,
    captureOutput: false,
  });
  expect(specFromFlags({ retryDelay: '10m', captureOutput: true })).toEqual({
    retry: { initialSeconds: 600, maxSeconds: 600 },
  });
});
