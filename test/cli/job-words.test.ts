// The cells of a job’s table.
import { expect, test } from 'vitest';
import type { JobDocument, RunDocument } from '../../src/core/document.ts';
import { lastCell } from '../../src/cli/output/job-words.ts';

const NOW = Date.UTC(2026, 0, 1, 1, 0, 40);

function jobWith(run: Partial<RunDocument>): JobDocument {
  const active = [{ createdAt: '2026-01-01T01:00:00Z', attempt: 2, ...run }];
  return { status: { active, recentRuns: [] } } as unknown as JobDocument;
}

test.each<[string, Partial<RunDocument>, string]>([
  ['pending run without a known problem', { phase: 'Pending' }, 'Pending for 40s'],
  [
    'pending retry that cannot begin',
    { phase: 'Pending', startAfter: '2026-01-01T01:00:30Z', message: 'No Pod was created: forbidden' },
    'Pending for 10s: No Pod was created: forbidden',
  ],
  ['running run', { phase: 'Running', startedAt: '2026-01-01T01:00:37Z' }, 'Running for 3s'],
  ['waiting run', { phase: 'Created' }, 'Attempt 2 waiting'],
])('the last result of a job with a %s', (_, run, text) => {
  expect(lastCell(jobWith(run), NOW)).toMatchObject({ text });
});
