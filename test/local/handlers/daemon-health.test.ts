import { describe, expect, test } from 'vitest';
import { LshError } from '../../../src/core/errors.ts';
import { daemonHealth, type HealthInput } from '../../../src/local/handlers/daemon-health.ts';
import { EvaluationProgress } from '../../../src/processes/daemon/evaluation-progress.ts';
import { aStatus, aUniqueJob } from '../../support/builders.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function health(input: Partial<HealthInput> = {}) {
  const progress = { lastEvaluationAt: NOW - 1000, backlog: 0, awakeSince: -Infinity };
  return daemonHealth({ jobs: [], now: NOW, startedAt: 0, progress, probe: async () => {}, ...input });
}

function due(at: number) {
  return { ...aUniqueJob(), status: aStatus({ nextScheduleAt: at }) };
}

describe('the health of a daemon', () => {
  test('has no problem while its jobs are on time', async () => {
    expect(await health({ jobs: [due(NOW + 1000), due(NOW - 2000)] })).toEqual({
      problems: [],
      lastEvaluationAt: '2026-03-01T11:59:59Z',
      overdueJobs: 0,
      backlog: 0,
    });
  });

  test('names the job that is overdue for longest', async () => {
    const { problems, overdueJobs } = await health({ jobs: [due(NOW - 20_000), due(NOW - 90_000)] });
    expect(overdueJobs).toBe(2);
    expect(problems).toMatchObject([
      { code: 'DAEMON_STALLED', message: expect.stringMatching(/90s|1m30s|1m 30s/) },
    ]);
  });

  test('gives a new daemon time for the slots of its downtime', async () => {
    expect((await health({ jobs: [due(NOW - 90_000)], startedAt: NOW - 1000 })).problems).toEqual([]);
  });

  test('gives a machine that wakes from sleep time for the slots of its sleep', async () => {
    const clock = new ManualClock(NOW - 9 * 3_600_000);
    const progress = new EvaluationProgress(clock, () => ({ depth: 0, working: 0 }));
    const jobs = [due(NOW - 3 * 3_600_000)];
    const healthNow = () => health({ jobs, now: clock.now(), progress });
    clock.stepBy(9 * 3_600_000);
    expect((await healthNow()).problems).toEqual([]);
    clock.advanceTo(NOW + 15_001);
    expect((await healthNow()).problems).toMatchObject([{ code: 'DAEMON_STALLED' }]);
  });

  test('tells why a write fails, with the code of a full disk', async () => {
    const probe = async () => {
      throw new LshError('STORE_FULL', { path: '/x', directory: '/', detail: 'no' });
    };
    expect((await health({ probe })).problems).toMatchObject([{ code: 'STORE_FULL' }]);
    const raw = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', path: '/x/y' });
    };
    expect((await health({ probe: raw })).problems).toMatchObject([{ code: 'DISK_FULL' }]);
  });
});
