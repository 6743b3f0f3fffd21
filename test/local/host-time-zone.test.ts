// The zone of the machine must equal the zone of Intl.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MODULE = join(import.meta.dirname, '../../src/local/host-time-zone.ts');
const SCRIPT = `
const { hostTimeZone } = await import(${JSON.stringify(MODULE)});
const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
console.log(JSON.stringify([hostTimeZone(process.env.TZ || undefined), timeZone ?? 'Etc/Unknown']));`;

function zones(TZ: string | undefined): [ours: string, intl: string] {
  const env = TZ === undefined ? {} : { TZ };
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    env,
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as [string, string];
}

test.each(['UTC', 'Etc/UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', undefined])(
  'with TZ=%s it is the zone of Intl',
  (TZ) => {
    const [ours, intl] = zones(TZ);
    expect(ours).toBe(intl);
  },
);

test.each(['', ':/etc/localtime', 'Mars/Olympus'])('with TZ=%j, which names no zone, it is UTC', (TZ) => {
  expect(zones(TZ)[0]).toBe('UTC');
});
