import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterRunName, firstAttemptName, manualRunName, slotRunName } from '../../src/core/naming.ts';
import { seeded } from '../support/seed.ts';

const SLOT = Date.parse('2026-03-01T02:00:00Z');

test('the name of a run is a function of job, slot and attempt', () => {
  expect(slotRunName('backup', SLOT, 1)).toBe(slotRunName('backup', SLOT + 400, 1));
  const names = [
    slotRunName('backup', SLOT, 1),
    slotRunName('backup', SLOT, 2),
    slotRunName('backup', SLOT + 1000, 1),
    manualRunName('backup', 'a', 1),
    manualRunName('backup', 'b', 1),
    manualRunName('backup', 'a', 2),
    afterRunName('backup', { job: 'a', run: 'a-1' }, 1),
    afterRunName('backup', { job: 'a', run: 'a-1' }, 2),
    afterRunName('backup', { job: 'a', run: 'a-2' }, 1),
    afterRunName('backup', { job: 'b', run: 'a-1' }, 1),
  ];
  expect(new Set(names).size).toBe(names.length);
});

test('every name is a DNS label of at most 63 characters, for long job names and late slots too', () => {
  const jobName = fc.stringMatching(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
  const attempt = fc.integer({ min: 1, max: 101 });
  const slot = fc.integer({ min: 0, max: Date.parse('2100-01-01T00:00:00Z') });
  fc.assert(
    fc.property(jobName, slot, attempt, fc.string(), (job, when, n, id) => {
      const after = afterRunName(job, { job: id, run: id }, n);
      for (const name of [slotRunName(job, when, n), manualRunName(job, id, n), after]) {
        expect(name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      }
    }),
    seeded({ numRuns: 500 }),
  );
});

test('the name of each attempt tells the name of the first', () => {
  const jobName = fc.stringMatching(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
  const slot = fc.integer({
    min: Date.parse('1971-01-01T00:00:00Z'),
    max: Date.parse('2100-01-01T00:00:00Z'),
  });
  fc.assert(
    fc.property(jobName, slot, fc.integer({ min: 1, max: 999 }), (job, when, n) => {
      const namesOf = (attempt: number) => [
        slotRunName(job, when, attempt),
        slotRunName(job, when, attempt, 2),
        manualRunName(job, String(when), attempt),
        afterRunName(job, { job, run: String(when) }, attempt),
      ];
      expect(namesOf(n).map(firstAttemptName)).toEqual(namesOf(1));
    }),
    seeded({ numRuns: 500 }),
  );
});

test('long job names with the same start give different run names', () => {
  const start = 'a'.repeat(60);
  expect(slotRunName(`${start}-1`, SLOT, 1)).not.toBe(slotRunName(`${start}-2`, SLOT, 1));
});
