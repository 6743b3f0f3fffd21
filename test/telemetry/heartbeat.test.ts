import { expect, onTestFinished, test } from 'vitest';
import { keepHeartbeat } from '../../src/telemetry/heartbeat.ts';
import { eventually } from '../support/eventually.ts';
import { keptLogger } from '../support/kept-logger.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aWatchdog } from '../support/watchdog.ts';

const MINUTE = 60_000;

async function aHeartbeat() {
  const watchdog = await aWatchdog();
  const clock = new ManualClock(0);
  const logger = keptLogger();
  const state: { trouble: string | undefined } = { trouble: undefined };
  const trouble = async () => state.trouble;
  const stop = keepHeartbeat({ url: watchdog.url, intervalMs: MINUTE, trouble, clock, logger });
  onTestFinished(stop);
  /** Minutes pass until it holds: a minute in which the call before it is still under way has none. */
  const passMinutes = (until: () => boolean) =>
    eventually(
      () => {
        clock.advanceTo(clock.now() + MINUTE);
        return until();
      },
      { what: 'what the test waits for' },
    );
  const logged = (count: number) => passMinutes(() => logger.lines.length >= count);
  return { watchdog, clock, logger, state, stop, passMinutes, logged };
}

test('calls at once and at each interval, until it ends', async () => {
  const { watchdog, clock, stop, passMinutes } = await aHeartbeat();
  await watchdog.called(1);
  await passMinutes(() => watchdog.calls.length > 1);
  stop();
  expect(clock.pending).toBe(0);
  expect(new Set(watchdog.calls)).toEqual(new Set(['/key-1']));
});

test('makes no call while the schedules are not evaluated, and logs each change once', async () => {
  const { watchdog, state, logger, logged, passMinutes } = await aHeartbeat();
  await watchdog.called(1);
  state.trouble = 'the disk is full';
  await logged(1);
  const calls = watchdog.calls.length;
  let minutes = 0;
  await passMinutes(() => ++minutes > 3);
  expect(watchdog.calls).toHaveLength(calls);
  state.trouble = undefined;
  await logged(2);
  expect(logger.lines).toMatchObject([
    { level: 'warn', message: 'no heartbeat was heard', fields: { detail: 'the disk is full' } },
    { level: 'info', message: 'the heartbeat is heard again' },
  ]);
});

test('logs a service that refuses or is gone, without the key in its URL', async () => {
  const { watchdog, logger, logged } = await aHeartbeat();
  await watchdog.called(1);
  watchdog.status = 500;
  await logged(1);
  expect(logger.lines[0]?.fields).toMatchObject({ detail: 'the service answers with status 500' });
  expect(JSON.stringify(logger.lines)).not.toContain('key-1');
});
