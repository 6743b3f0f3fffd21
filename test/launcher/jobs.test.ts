// Commands of jobs that call `lsh`.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aStartedHome, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';
import { LAUNCHER } from '../support/daemon/node-places.ts';
import { tempDir } from '../support/temp-dir.ts';

test('a job gets the lsh of its daemon, also where PATH has another one', async () => {
  const other = join(tempDir(), 'lsh');
  writeFileSync(other, '#!/bin/sh\nexit 1\n');
  chmodSync(other, 0o755);
  const home = await aStartedHome(aHome({ PATH: `${join(other, '..')}:${process.env['PATH']}` }));
  const command = 'command -v lsh && lsh cron list -o name';
  await lshOk(home, ['cron', 'add', '--name', 'asks', '--schedule', '@yearly', '--command', command]);
  await lshOk(home, ['cron', 'trigger', 'asks', '--wait']);
  expect(await lshOk(home, ['cron', 'logs', 'asks'])).toBe(`${LAUNCHER}\nasks\n`);
});
