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
  const broken = { status: 'failed', assertionResults: [] };
  expect(totals(report('a', [3], [broken]))).toBe('3 passed, 1 failed\n');
});

test('a run that left no report is a failure', () => {
  writeFileSync(join(dir, 'empty'), '');
  const files = [report('a', [3]), join(dir, 'empty'), join(dir, 'missing')];
  expect(totals(...files)).toBe('3 passed, 2 failed\n');
});
