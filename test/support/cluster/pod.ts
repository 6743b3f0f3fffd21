// A process preloads this module: it gives the process the host name and the clock of a Pod on another node.
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

const { TEST_POD_NAME: name, TEST_CLOCK_AHEAD_MS: ahead } = process.env;

if (name !== undefined) {
  os.hostname = () => name;
  syncBuiltinESMExports();
}

if (ahead !== undefined) {
  const { now } = Date;
  const skewedNow = (): number => now() + Number(ahead);
  globalThis.Date = new Proxy(Date, {
    construct: (target, args: [], self) =>
      Reflect.construct(target, args.length > 0 ? args : [skewedNow()], self) as Date,
    get: (target, property) => (property === 'now' ? skewedNow : Reflect.get(target, property)),
  });
}
