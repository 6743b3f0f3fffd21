// Which sockets a client connects to: only one that no other user can have put there.
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { daemonClient } from '../../../src/local/socket/client.ts';
import { socketFault } from '../../../src/local/socket/trust.ts';
import { tempDir } from '../../support/temp-dir.ts';

const isRoot = process.getuid?.() === 0;
const ME = process.getuid!();
const GROUP = process.getgid!();
const OTHER = 65534;

/** A socket as a daemon makes it; counts the connections to it. */
async function aSocket() {
  const directory = join(tempDir(), 'run');
  mkdirSync(directory, { mode: 0o700 });
  const path = join(directory, 'lshd.sock');
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o600);
  onTestFinished(() => void server.close());
  return { directory, path, connections: () => connections };
}

type Socket = Awaited<ReturnType<typeof aSocket>>;

const FAULTS: [string, (socket: Socket) => void, RegExp][] = [
  [
    'a directory that its group may write',
    ({ directory }) => chmodSync(directory, 0o770),
    /directory is open .*0770/,
  ],
  [
    'a directory that others may write',
    ({ directory }) => chmodSync(directory, 0o703),
    /directory is open .*0703/,
  ],
  ['a socket that others may use', ({ path }) => chmodSync(path, 0o602), /^it is open .*0602/],
  [
    'a linked directory',
    ({ directory }) => {
      renameSync(directory, `${directory}.real`);
      symlinkSync(`${directory}.real`, directory);
    },
    /directory is a symbolic link/,
  ],
  [
    'a linked socket',
    ({ path }) => {
      renameSync(path, `${path}.real`);
      symlinkSync(`${path}.real`, path);
    },
    /^it is a symbolic link/,
  ],
];
const OWNERS: typeof FAULTS = [
  [
    'a directory of another user',
    ({ directory }) => chownSync(directory, OTHER, OTHER),
    /directory belongs to user 65534/,
  ],
  ['a socket of another user', ({ path }) => chownSync(path, OTHER, OTHER), /^it belongs to user 65534/],
];

describe('a client', () => {
  test.each(isRoot ? [...FAULTS, ...OWNERS] : FAULTS)(
    'does not connect to %s',
    async (_what, spoil, reason) => {
      const socket = await aSocket();
      spoil(socket);
      const refused = daemonClient(socket.path, { version: 'test' }).status({});
      await expect(refused).rejects.toMatchObject({ code: 'DAEMON_UNTRUSTED', exitStatus: 1 });
      expect(socketFault(socket.path, { uid: ME })).toMatch(reason);
      expect(socket.connections()).toBe(0);
    },
  );

  test('connects to its own socket, in a directory that others may read', async () => {
    const socket = await aSocket();
    chmodSync(socket.directory, 0o755);
    // What listens there ends each connection.
    const dropped = daemonClient(socket.path, { version: 'test' }).status({});
    await expect(dropped).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
    expect(socket.connections()).toBe(1);
  });

  test('finds no daemon where there is no socket, and none to distrust', async () => {
    const path = join(tempDir(), 'none', 'lshd.sock');
    await expect(daemonClient(path, { version: 'test' }).status({})).rejects.toMatchObject({
      code: 'DAEMON_NOT_RUNNING',
    });
  });

  test('finds none in an open directory without a socket, so that a start may close the directory', async () => {
    const directory = tempDir();
    chmodSync(directory, 0o777);
    await expect(
      daemonClient(join(directory, 'lshd.sock'), { version: 'test' }).status({}),
    ).rejects.toMatchObject({ code: 'DAEMON_NOT_RUNNING' });
  });

  test('goes on to the recorded socket, which it checks as well', async () => {
    const [foreign, own] = [await aSocket(), await aSocket()];
    chmodSync(foreign.directory, 0o777);
    const client = daemonClient(foreign.path, { version: 'test', recordedSocket: () => own.path });
    await expect(client.status({})).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
    expect([foreign.connections(), own.connections()]).toEqual([0, 1]);
    chmodSync(own.directory, 0o777);
    await expect(client.status({})).rejects.toMatchObject({ code: 'DAEMON_UNTRUSTED' });
  });

  test.runIf(isRoot)('connects to a socket of the user whose daemon it asks for', async () => {
    const socket = await aSocket();
    for (const path of [socket.directory, socket.path]) chownSync(path, OTHER, OTHER);
    const client = daemonClient(socket.path, { version: 'test', owner: OTHER });
    await expect(client.status({})).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
    expect(socket.connections()).toBe(1);
  });
});

describe.runIf(isRoot)('the operator, which shares a group with its runner,', () => {
  const trust = { uid: OTHER - 1, groups: [GROUP, OTHER] };

  test('trusts a socket of that group that others cannot replace', async () => {
    const { directory, path } = await aSocket();
    chmodSync(directory, 0o2770);
    chmodSync(path, 0o660);
    expect(socketFault(path, trust)).toBeUndefined();
  });

  test('distrusts another group, another owner of the socket, and what others may write', async () => {
    const { directory, path } = await aSocket();
    chmodSync(directory, 0o2770);
    expect(socketFault(path, { ...trust, groups: [OTHER] })).toMatch(/directory belongs to user 0/);
    chownSync(path, OTHER, GROUP);
    expect(socketFault(path, trust)).toMatch(/belongs to user 65534, its directory to user 0/);
    chmodSync(directory, 0o2777);
    expect(socketFault(path, trust)).toMatch(/directory is open/);
  });
});
