// The daemon calls LSH_HEARTBEAT_URL while it evaluates its schedules, and no command shows the URL.
import { expect, test } from 'vitest';
import { aDaemon, aHome } from '../../support/daemon/daemon.ts';
import { lshOk } from '../../support/daemon/cli.ts';
import { aWatchdog } from '../../support/watchdog.ts';

test('calls at its start and at each evaluation interval', async () => {
  const watchdog = await aWatchdog();
  const home = aHome({ LSH_HEARTBEAT_URL: watchdog.url, LSH_EVALUATION_INTERVAL: '1s' });
  await aDaemon(home);
  await watchdog.called(3);
  const doctor = await lshOk(home, ['doctor', '-o', 'json']);
  expect(doctor).toContain('LSH_HEARTBEAT_URL');
  expect(doctor).not.toContain('key-1');
});
