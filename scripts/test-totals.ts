// Prints what failed in vitest's JSON reports, a line each, and the totals as the last line of a log.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';

interface Assertion {
  status: string;
  fullName: string;
  failureMessages?: string[];
}

interface FileResult {
  /** Absolute path of the file. */
  name: string;
  status: string;
  message?: string;
  assertionResults: Assertion[];
}

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: FileResult[];
}

/** A file that fails before its first test counts as one failure, or the total would hide it. */
const isBroken = ({ status, assertionResults }: FileResult): boolean =>
  status === 'failed' && assertionResults.length === 0;

function failuresOf(result: FileResult): string[] {
  const file = relative(process.cwd(), result.name);
  if (isBroken(result)) return [`${file}: ${firstLine(result.message)}`];
  return result.assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages = [] }) => `${file} > ${fullName}: ${firstLine(failureMessages[0])}`);
}

function firstLine(message = ''): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 300);
}

const failures: string[] = [];
let [passed, failed, skipped] = [0, 0, 0];
for (const file of process.argv.slice(2)) {
  if (!existsSync(file) || statSync(file).size === 0) {
    failed += 1;
    failures.push(`${file}: no report, so its tests did not run`);
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  passed += report.numPassedTests;
  failed += report.numFailedTests + report.testResults.filter(isBroken).length;
  skipped += report.numPendingTests + report.numTodoTests;
  failures.push(...report.testResults.flatMap(failuresOf));
}
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
