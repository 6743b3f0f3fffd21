// Prints the totals of vitest's JSON reports as the last line of a log.
import { existsSync, readFileSync, statSync } from 'node:fs';

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

let [passed, failed, skipped] = [0, 0, 0];
for (const file of process.argv.slice(2)) {
  // A missing report means that its tests did not run: counts one failure.
  if (!existsSync(file) || statSync(file).size === 0) {
    failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  // A file that fails before its first test counts as one failure, or the total would hide it.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  passed += report.numPassedTests;
  failed += report.numFailedTests + broken.length;
  skipped += report.numPendingTests + report.numTodoTests;
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
