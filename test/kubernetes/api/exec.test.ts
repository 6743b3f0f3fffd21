// The WebSocket of a command in a Pod, over servers of the test. What passes through an API server is in
// test/cli/cluster/logs.test.ts.
import { KubeConfig } from '@kubernetes/client-node';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exec } from '../../../src/kubernetes/api/exec.ts';

let server: Server;
let config: KubeConfig;

/** Takes connections, and answers nothing. */
beforeEach(async () => {
  server = createServer((socket) => void socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'silent', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'nobody' },
  );
});
afterEach(() => void server.close());

const REQUEST = { namespace: 'ops', pod: 'operator', container: 'shell', command: ['true'] };

test('a server that does not answer is given up', async () => {
  const { signal } = new AbortController();
  const connected = once(server, 'connection');
  const read = exec(config, { ...REQUEST, signal, answerMs: 50 }).next();
  await expect(read).rejects.toThrow('the server does not answer');
  const [socket] = await connected;
  if (!socket.destroyed) await once(socket, 'close');
});

test('a caller that leaves waits for no answer', async () => {
  const left = new AbortController();
  const connected = once(server, 'connection');
  const read = exec(config, { ...REQUEST, signal: left.signal }).next();
  const [socket] = await connected;
  left.abort();
  await expect(read).rejects.toThrow('aborted');
  if (!socket.destroyed) await once(socket, 'close');
});
