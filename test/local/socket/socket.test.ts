// Server and client on a real socket; only the handlers are the test's own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { JobApi } from '../../../src/contracts/job-api.ts';
import { LshError } from '../../../src/core/errors.ts';
import { daemonClient } from '../../../src/local/socket/client.ts';
import { DaemonServer, type Handlers } from '../../../src/local/socket/server.ts';
import { REQUEST_MAX_BYTES } from '../../../src/local/socket/protocol.ts';
import { tempDir } from '../../support/temp-dir.ts';

const isRoot = process.getuid?.() === 0;
const VERSION = '0.0.0-test';

/** Fails the test when a handler is called that it did not set. */
const unexpected = (command: string) => () => Promise.reject(new Error(`${command} was not expected`));

async function serve(handlers: Partial<Handlers> = {}, socketPath = join(tempDir(), 'lshd.sock')) {
  const all = new Proxy(handlers, {
    get: (target, command: keyof Handlers) => target[command] ?? unexpected(command),
  }) as Handlers;
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const server = new DaemonServer({ socketPath, version: VERSION, handlers: all, log });
  await server.listen();
  onTestFinished(() => server.close().catch(() => undefined));
  return { server, socketPath, log, client: daemonClient(socketPath, { version: VERSION }) };
}

async function post(socketPath: string, path: string, body: string | Buffer) {
  const asked = request({ socketPath, path, method: 'POST', agent: false });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(await text(response)) };
}

async function connect(socketPath: string): Promise<Socket> {
  const socket = createConnection(socketPath);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return chunks;
}

describe('a call', () => {
  test('transfers the payload and the result', async () => {
    const { client } = await serve({
      'job.stop': ({ name, run }) => Promise.resolve({ stopped: [name, run ?? ''] }),
    });
    expect(await client.stop({ name: 'a', run: 'a-1' })).toEqual({ stopped: ['a', 'a-1'] });
  });

  test('returns the id of the request and the version of the program', async () => {
    const { socketPath } = await serve({ 'job.list': () => Promise.resolve([]) });
    const answer = await post(socketPath, '/v1/job.list', '{"id":"seven","payload":{}}');
    expect(answer).toMatchObject({ status: 200, body: { id: 'seven', result: [] } });
    expect(answer.headers['lsh-version']).toBe(VERSION);
  });

  test('restores a thrown error, with the HTTP status of its code', async () => {
    const thrown = new LshError(
      'JOB_INVALID',
      { detail: 'x' },
      { problems: [{ path: 'spec.x', message: 'bad' }] },
    );
    const { client, socketPath } = await serve({ 'job.get': () => Promise.reject(thrown) });
    await expect(client.get({ name: 'a' })).rejects.toMatchObject({
      code: 'JOB_INVALID',
      message: thrown.message,
      hint: thrown.hint,
      problems: thrown.problems,
      exitStatus: 2,
    });
    expect(await post(socketPath, '/v1/job.get', '{"payload":{"name":"a"}}')).toMatchObject({ status: 422 });
  });

  test('that fails unexpectedly is INTERNAL and logged, and the daemon goes on', async () => {
    const { client, log } = await serve({
      'job.get': () => Promise.reject(new TypeError('x is undefined')),
      'job.list': () => Promise.resolve([]),
    });
    await expect(client.get({ name: 'a' })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(log.error).toHaveBeenCalledOnce();
    expect(await client.list({})).toEqual([]);
  });

  test('with the wrong payload names every wrong field', async () => {
    const { socketPath } = await serve();
    const { status, body } = await post(socketPath, '/v1/job.suspend', '{"payload":{"suspend":1,"extra":2}}');
    expect(status).toBe(400);
    expect(body.error.problems.map(({ path }: { path: string }) => path).sort()).toEqual([
      'payload.extra',
      'payload.name',
      'payload.suspend',
    ]);
  });

  test('without a response in time fails', async () => {
    const answer = Promise.withResolvers<never>();
    const { socketPath } = await serve({ 'job.get': () => answer.promise });
    const client = daemonClient(socketPath, { version: VERSION, timeoutMs: 1 });
    await expect(client.get({ name: 'a' })).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
    // The request may have arrived before the client gave up; either way no client waits for it.
    answer.promise.catch(() => undefined);
    answer.reject(new LshError('JOB_NOT_FOUND', { name: 'a' }));
  });

  test.each([
    ['a request that waits for a run', (client: JobApi) => client.run({ run: 'a-1', wait: true })],
    ['a log that is followed', (client: JobApi) => collect(client.log({ name: 'a', follow: true }))],
  ])('%s reports a daemon that answers no other question either', async (_, wait) => {
    const never = Promise.withResolvers<never>();
    never.promise.catch(() => undefined);
    const { socketPath } = await serve({
      'job.run': () => never.promise,
      'job.runs': () => never.promise,
      async *'job.log'() {
        yield await never.promise;
      },
    });
    const silence = Promise.withResolvers<number | undefined>();
    const waiting = wait(daemonClient(socketPath, { version: VERSION, onSilence: silence.resolve }));
    expect(await silence.promise).toBeUndefined();
    never.reject(new LshError('JOB_NOT_FOUND', { name: 'a' }));
    await expect(waiting).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  test('aborts the signal of the handler when the client disconnects', async () => {
    const aborted = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const { socketPath } = await serve({
      'job.run': (_, signal) => {
        signal.addEventListener('abort', () => aborted.resolve());
        started.resolve();
        return aborted.promise.then(() => Promise.reject(new LshError('DAEMON_STOPPING')));
      },
    });
    const socket = await connect(socketPath);
    const body = '{"payload":{"run":"a","wait":true}}';
    socket.write(`POST /v1/job.run HTTP/1.1\r\nhost: lsh\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await started.promise;
    socket.destroy();
    await aborted.promise;
  });
});

describe('a log', () => {
  test('streams bytes as the handler yields them', async () => {
    const gate = Promise.withResolvers<void>();
    const { client } = await serve({
      async *'job.log'() {
        yield Buffer.from('one\n');
        await gate.promise;
        yield Buffer.from('two\n');
      },
    });
    const seen: string[] = [];
    for await (const chunk of client.log({ name: 'a', follow: true })) {
      seen.push(Buffer.from(chunk).toString());
      gate.resolve();
    }
    expect(seen).toEqual(['one\n', 'two\n']);
  });

  test('may be empty', async () => {
    const { client } = await serve({ async *'job.log'() {} });
    const chunks = await collect(client.log({ name: 'a' }));
    expect(chunks).toEqual([]);
  });

  test('of an unknown run is an error with its code', async () => {
    const { client } = await serve({
      // oxlint-disable-next-line require-yield
      async *'job.log'() {
        throw new LshError('RUN_NOT_FOUND', { name: 'a-9' });
      },
    });
    await expect(collect(client.log({ name: 'a' }))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  test('that breaks in the middle is an error', async () => {
    const { client } = await serve({
      async *'job.log'() {
        yield Buffer.from('half');
        throw new Error('disk');
      },
    });
    await expect(collect(client.log({ name: 'a' }))).rejects.toMatchObject({
      code: 'DAEMON_UNREACHABLE',
    });
  });

  test('ends when its reader aborts', async () => {
    const aborted = Promise.withResolvers<void>();
    const { client } = await serve({
      async *'job.log'(_, signal) {
        yield Buffer.from('first');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        aborted.resolve();
      },
    });
    const reader = new AbortController();
    for await (const _ of client.log({ name: 'a', follow: true }, reader.signal)) reader.abort();
    await aborted.promise;
  });
});

describe('bad input', () => {
  test.each([
    ['an empty command', '/v1/', '{}', 404, 'UNKNOWN_COMMAND'],
    ['an unknown command', '/v1/job.fly', '{}', 404, 'UNKNOWN_COMMAND'],
    ['a name every object has', '/v1/constructor', '{}', 404, 'UNKNOWN_COMMAND'],
    ['another protocol', '/v2/job.list', '{}', 426, 'PROTOCOL_MISMATCH'],
    ['broken JSON', '/v1/job.list', '{"id":', 400, 'REQUEST_INVALID'],
    ['JSON that is no object', '/v1/job.list', '[1]', 400, 'REQUEST_INVALID'],
    ['an id other than a string', '/v1/job.list', '{"id":7}', 400, 'REQUEST_INVALID'],
    ['bytes other than text', '/v1/job.list', Buffer.from([0xff, 0xfe, 0]), 400, 'REQUEST_INVALID'],
  ])('%s is answered with one clear error', async (_, path, body, status, code) => {
    const { socketPath } = await serve();
    const answer = await post(socketPath, path, body);
    expect(answer).toMatchObject({ status, body: { error: { code } } });
    expect(answer.body.error.message).not.toBe('');
    expect(answer.body.error.hint).not.toBe('');
  });

  test('the daemon refuses a request of 10 MB, and keeps none of it', async () => {
    const { socketPath, client } = await serve({ 'job.list': () => Promise.resolve([]) });
    const answer = await post(socketPath, '/v1/job.list', Buffer.alloc(10_000_000, 'x'));
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'REQUEST_TOO_LARGE' } } });
    expect(await client.list({})).toEqual([]);
  });

  test('a request of exactly the limit passes, one byte more does not', async () => {
    const { socketPath } = await serve({ 'job.list': () => Promise.resolve([]) });
    const padded = (bytes: number) => '{"payload":{}}'.padEnd(bytes, ' ');
    expect(await post(socketPath, '/v1/job.list', padded(REQUEST_MAX_BYTES))).toMatchObject({ status: 200 });
    expect(await post(socketPath, '/v1/job.list', padded(REQUEST_MAX_BYTES + 1))).toMatchObject({
      status: 413,
    });
  });

  test('the client does not send a request that is too large', async () => {
    const { client } = await serve();
    const job = { name: 'x'.repeat(REQUEST_MAX_BYTES) } as never;
    await expect(client.put({ job })).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE', exitStatus: 2 });
  });

  test('garbage gets status 400, and the daemon goes on', async () => {
    const { socketPath, client, log } = await serve({ 'job.list': () => Promise.resolve([]) });
    const socket = await connect(socketPath);
    socket.end(Buffer.from('\u0000\u0001garbage\r\n\r\n'));
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400 /);
    expect(await client.list({})).toEqual([]);
    expect(log.error).not.toHaveBeenCalled();
  });

  test('half a request delays neither other requests nor the shutdown', async () => {
    const { socketPath, client, server, log } = await serve({ 'job.list': () => Promise.resolve([]) });
    const socket = await connect(socketPath);
    socket.write('POST /v1/job.list HTTP/1.1\r\nhost: lsh\r\ncontent-length: 100\r\n\r\n{"half":');
    expect(await client.list({})).toEqual([]);
    await server.drain();
    await server.close();
    await once(socket, 'close');
    expect(log.error).not.toHaveBeenCalled();
  });
});

describe('the socket', () => {
  test.each([0o000, 0o022, 0o077])('is 0600 under umask %o, and the umask is restored', async (umask) => {
    const before = process.umask(umask);
    onTestFinished(() => void process.umask(before));
    const { socketPath } = await serve();
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(umask);
  });

  test.runIf(isRoot)('cannot be opened by another user, not even in an open directory', async () => {
    const directory = tempDir();
    chmodSync(directory, 0o755);
    const { socketPath } = await serve({}, join(directory, 'lshd.sock'));
    const script = `require('net').connect(process.argv[1]).on('connect', () => console.log('in')).on('error', (e) => console.log(e.code))`;
    const other = spawn(process.execPath, ['-e', script, socketPath], {
      uid: 65534,
      gid: 65534,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await text(other.stdout)).toBe('EACCES\n');
  });

  test('of a dead daemon is replaced', async () => {
    const socketPath = join(tempDir(), 'lshd.sock');
    writeFileSync(socketPath, '');
    const { client } = await serve({ 'job.list': () => Promise.resolve([]) }, socketPath);
    expect(await client.list({})).toEqual([]);
  });

  test('is removed by close(), and the client reports that no daemon is running', async () => {
    const { server, socketPath, client } = await serve();
    await server.close();
    expect(existsSync(socketPath)).toBe(false);
    await expect(client.list({})).rejects.toMatchObject({ code: 'DAEMON_NOT_RUNNING', exitStatus: 3 });
  });

  test('without a listener means that no daemon is running', async () => {
    const socketPath = join(tempDir(), 'lshd.sock');
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script, socketPath]), 'exit');
    expect(existsSync(socketPath)).toBe(true);
    const client = daemonClient(socketPath, { version: VERSION });
    await expect(client.list({})).rejects.toMatchObject({ code: 'DAEMON_NOT_RUNNING' });
  });

  test('closed in the middle of a response is an error that says so', async () => {
    const socketPath = join(tempDir(), 'lshd.sock');
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id"';
    const broken = createServer((socket) => socket.once('data', () => socket.end(head))).listen(socketPath);
    onTestFinished(() => void broken.close());
    await once(broken, 'listening');
    const client = daemonClient(socketPath, { version: VERSION });
    await expect(client.list({})).rejects.toMatchObject({
      code: 'DAEMON_UNREACHABLE',
      message: expect.stringContaining('before the answer was complete'),
    });
  });
});

describe('draining', () => {
  test('lets the request in flight finish and refuses the next', async () => {
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const { client, server } = await serve({
      'job.get': async ({ name }) => {
        started.resolve();
        await gate.promise;
        throw new LshError('JOB_NOT_FOUND', { name });
      },
    });
    const first = client.get({ name: 'a' });
    await started.promise;
    const drained = server.drain();
    await expect(client.get({ name: 'b' })).rejects.toMatchObject({
      code: 'DAEMON_STOPPING',
      retryable: true,
    });
    gate.resolve();
    await expect(first).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await drained;
  });

  test('ends followers without an error', async () => {
    const { client, server } = await serve({
      async *'job.log'(_, signal) {
        yield Buffer.from('so far');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const seen: string[] = [];
    for await (const chunk of client.log({ name: 'a', follow: true })) {
      seen.push(Buffer.from(chunk).toString());
      void server.drain();
    }
    expect(seen).toEqual(['so far']);
  });
});

test('the client loads neither schemas nor a logger', async () => {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, '../../../src/local/socket/client.ts')],
    bundle: true,
    platform: 'node',
    write: false,
    metafile: true,
  });
  expect(Object.keys(metafile.inputs).filter((path) => path.includes('node_modules'))).toEqual([]);
});

test('the client does not load Node’s fetch client', async () => {
  const module = JSON.stringify(join(import.meta.dirname, '../../../src/local/socket/client.ts'));
  const script = `await import(${module}); console.log(process.moduleLoadList.filter((m) => /undici|Module http$/.test(m)))`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  expect(await text(child.stdout)).toBe("[ 'NativeModule http' ]\n");
});
