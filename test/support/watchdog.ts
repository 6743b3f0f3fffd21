// A service that is called by heartbeats: a real HTTP server on loopback.
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Watchdog {
  url: string;
  /** The paths that were called. */
  readonly calls: string[];
  /** The status of the answers. */
  status: number;
  /** Resolves once there were so many calls. */
  called(times: number): Promise<void>;
}

export async function aWatchdog(): Promise<Watchdog> {
  const arrivals = new EventEmitter();
  const server = createServer((request, response) => {
    watchdog.calls.push(request.url ?? '');
    response.writeHead(watchdog.status).end('seen');
    arrivals.emit('call');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.close().closeAllConnections());
  const watchdog: Watchdog = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/key-1`,
    calls: [],
    status: 200,
    async called(times) {
      while (watchdog.calls.length < times) await once(arrivals, 'call');
    },
  };
  return watchdog;
}
