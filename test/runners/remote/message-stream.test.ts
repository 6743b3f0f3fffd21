// What a peer can make the other side hold by one message.
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { MessageStream } from '../../../src/runners/remote/message-stream.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function memory(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('a message in pieces of one byte takes no more memory than its bytes', async () => {
  const socket = new PassThrough();
  const heard = Promise.withResolvers<unknown>();
  const stream = new MessageStream(
    {
      socket,
      heartbeatMs: 60_000,
      onData: () => undefined,
      onMessage: heard.resolve,
      onClose: () => undefined,
    },
    Buffer.alloc(0),
  );
  const pieces = 500_000;
  const before = memory();
  socket.write('"');
  for (let piece = 0; piece < pieces; piece++) {
    socket.write(Buffer.from('x'));
    // Lets the stream take each piece before the next.
    if (piece % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(memory() - before).toBeLessThan(8 * 1024 * 1024);
  socket.write('"\n');
  expect(await heard.promise).toBe('x'.repeat(pieces));
  stream.destroy();
});
