// A process preloads this module: its clock is ahead of the machine's by what a file says. The wall clock, the monotonic
// clock and the uptime move together, so that time has passed for the process; only timers that wait do not notice.
import { openSync, readSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

const path = process.env['TEST_CLOCK_FILE'];

if (path !== undefined) {
  const file = openSync(path, 'r');
  const bytes = Buffer.alloc(8);
  /** Milliseconds. */
  const ahead = (): number => (readSync(file, bytes, 0, 8, 0) === 8 ? bytes.readDoubleLE() : 0);

  const { now } = Date;
  const movedNow = (): number => now() + ahead();
  globalThis.Date = new Proxy(Date, {
    construct: (target, args: [], self) =>
      Reflect.construct(target, args.length > 0 ? args : [movedNow()], self) as Date,
    get: (target, property) => (property === 'now' ? movedNow : Reflect.get(target, property)),
  });

  const { hrtime } = process;
  const movedTime = (): [number, number] => {
    const ns = hrtime.bigint() + BigInt(Math.round(ahead())) * 1_000_000n;
    return [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
  };
  process.hrtime = Object.assign(movedTime, hrtime);

  const { uptime } = os;
  os.uptime = () => uptime() + ahead() / 1000;
  syncBuiltinESMExports();
}
