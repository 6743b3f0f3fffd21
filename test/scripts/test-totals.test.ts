// The last line of a run of all tests: it must not hide what never came to report.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lsh-totals-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function report(
  name: string,
  [passed = 0, failed = 0, pending = 0]: number[],
  testResults: object[] = [],
): string {
  const path = join(dir, name);
  const counts = {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: 0,
  };
  writeFileSync(path, JSON.stringify({ ...counts, testResults }));
  return path;
}

function totals(...files: string[]): string {
  return execFileSync(process.execPath, ['scripts/test-totals.ts', ...files], { encoding: 'utf8' });
}

test('the reports of several runs are added up', () => {
  expect(totals(report('a', [3, 1, 2]), report('b', [4]))).toBe('7 passed, 1 failed, 2 skipped\n');
});

test('a file that broke before its first test is a failure', () => {
  const name = join(process.cwd(), 'test/a.test.ts');
  const broken = { name, status: 'failed', message: 'Cannot read it\nat a.ts:1', assertionResults: [] };
  expect(totals(report('a', [3], [broken]))).toBe(
    'failed: test/a.test.ts: Cannot read it\n3 passed, 1 failed\n',
  );
});

test('the failures stand before the totals, where the end of a long log shows them', () => {
  const assertionResults = [
    { status: 'passed', fullName: 'one' },
    { status: 'failed', fullName: 'two > three', failureMessages: ['expected 1 to be 2\n    at b.ts:1'] },
  ];
  const result = { name: join(process.cwd(), 'test/b.test.ts'), status: 'failed', assertionResults };
  expect(totals(report('a', [1, 1], [result]))).toBe(
    'failed: test/b.test.ts > two > three: expected 1 to be 2\n1 passed, 1 failed\n',
  );
});

test('a run that left no report is a failure', () => {
  writeFileSync(join(dir, 'empty'), '');
  const files = [report('a', [3]), join(dir, 'empty'), join(dir, 'missing')];
  expect(totals(...files)).toBe(
    [
      ...files.slice(1).map((file) => `failed: ${file}: no report, so its tests did not run`),
      '3 passed, 2 failed\n',
    ].join('\n'),
  );
});
