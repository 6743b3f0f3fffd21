// Events on a real API server: repetitions are counted, bursts are cut, and failures delay no run.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Logger } from '../../../src/control/ports.ts';
import type { JobEvent } from '../../../src/core/decide/events.ts';
import type { Job } from '../../../src/core/job.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { EventBudget, EventRecorder } from '../../../src/kubernetes/operator/event-recorder.ts';
import type { KubeList, KubeObject } from '../../../src/kubernetes/api/objects.ts';
import { aJob, aRun } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';

interface EventObject extends KubeObject {
  reason: string;
  message: string;
  count: number;
}

describe('the budget of events', () => {
  test('allows a burst and then one event per refill, for each object separately', () => {
    const budget = new EventBudget();
    const allowed = Array.from({ length: 40 }, () => budget.take('a', 0)).filter(Boolean);
    expect(allowed).toHaveLength(25);
    expect(budget.take('b', 0)).toBe(true);
    expect(budget.take('a', 299_999)).toBe(false);
    expect(budget.take('a', 300_000)).toBe(true);
    expect(budget.take('a', 300_001)).toBe(false);
  });
});

describe.skipIf(NO_KUBE)('the event recorder', () => {
  let environment: KubeEnvironment;
  let client: KubeClient;

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    client = await environment.client();
  });
  afterAll(() => environment?.stop());

  const job = (name: string) => aJob({}, { name, namespace: 'default', key: `default/${name}` });
  let passedMs = 0;
  const clock = { now: Date.now, monotonic: () => passedMs };
  const recorder = ({ logger = keptLogger(), isBusy }: { logger?: Logger; isBusy?: () => boolean } = {}) =>
    new EventRecorder({ api: client, clock, logger, identity: 'test', isBusy });

  function record(events: EventRecorder, about: Job, event: JobEvent): void {
    events.recorded({ job: about, events: [event] });
  }
  const started = (name: string): JobEvent => ({ kind: 'RunStarted', run: aRun({ name }) });

  async function eventsOf(name: string): Promise<EventObject[]> {
    const query = { fieldSelector: `involvedObject.name=${name}` };
    return (await client.json<KubeList<EventObject>>({ path: '/api/v1/namespaces/default/events', query }))
      .items;
  }

  test('writes one Event per reason and counts repetitions', async () => {
    const events = recorder();
    record(events, job('counted'), started('a'));
    // A shutdown may flush while another one waits.
    await Promise.all([events.flush(), events.flush()]);
    record(events, job('counted'), started('b'));
    const failed = aRun({
      name: 'b',
      phase: 'Failed',
      reason: 'ExitCode',
      exitCode: 3,
      message: 'It said so.',
    });
    record(events, job('counted'), { kind: 'RunFinished', run: failed });
    await events.flush();
    const written = await eventsOf('counted');
    expect(written.map(({ reason, message, count }) => ({ reason, message, count }))).toEqual(
      expect.arrayContaining([
        { reason: 'RunStarted', message: 'Started run b, attempt 1', count: 2 },
        { reason: 'RunFailed', message: 'Run b: ExitCode (exit code 3): It said so.', count: 1 },
      ]),
    );
    expect(written).toHaveLength(2);
  });

  test('drops an Event that cannot be written, with a debug line', async () => {
    const logger = keptLogger();
    const events = recorder({ logger });
    const nowhere = aJob({}, { namespace: 'nowhere', key: 'nowhere/backup' });
    record(events, nowhere, started('a'));
    record(events, job('after'), started('a'));
    await events.flush();
    expect(logger.lines).toMatchObject([{ level: 'debug', message: 'event not written' }]);
    expect(await eventsOf('after')).toHaveLength(1);
  });

  test('waits while the loop is busy, and then writes', async () => {
    let isBusy = true;
    let asked = 0;
    const events = recorder({ isBusy: () => ++asked > 0 && isBusy });
    record(events, job('patient'), started('a'));
    await eventually(() => asked >= 3);
    expect(await eventsOf('patient')).toHaveLength(0);
    isBusy = false;
    await eventually(async () => (await eventsOf('patient')).length === 1);
  });

  test('writes after ten seconds although the loop is never idle', async () => {
    const events = recorder({ isBusy: () => true });
    const names = ['starved-a', 'starved-b', 'starved-c', 'starved-d'];
    for (const name of names) record(events, job(name), started(name));
    passedMs += 10_000;
    for (const name of names) await eventually(async () => (await eventsOf(name)).length === 1);
  });

  test('does not wait at a shutdown', async () => {
    const events = recorder({ isBusy: () => true });
    for (const name of ['a', 'b', 'c', 'd', 'e']) record(events, job(`last-${name}`), started(name));
    await events.flush();
    expect(await eventsOf('last-e')).toHaveLength(1);
  });
});
