import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openFifo } from '../../../../src/runners/subprocess/child.ts';
import { Output, OutputTail, TAIL_MAX_BYTES } from '../../../../src/runners/subprocess/output/output.ts';
import { RunLog } from '../../../../src/runners/subprocess/output/run-log.ts';
import { eventually } from '../../../support/eventually.ts';
import { tempDir } from '../../../support/temp-dir.ts';

/** The output of a command that the test plays: it writes into the FIFO by its own descriptor. */
function playedOutput(readAfterMs: number) {
  const directory = tempDir();
  spawnSync('mkfifo', [join(directory, 'fifo')]);
  const fd = openFifo(directory);
  const writer = openSync(join(directory, 'fifo'), constants.O_WRONLY);
  const path = join(directory, 'run.log');
  const log = RunLog.create({ path, directory, maxBytes: 1024 * 1024 });
  const output = new Output({ fd, log, masking: undefined, readAfterMs });
  return { output, directory, writer, logged: () => readFileSync(path, 'utf8') };
}

const NEVER_MS = 2 ** 31 - 1;

function tailOf(bytes: Uint8Array, pieceLength: number): string {
  const tail = new OutputTail();
  for (let at = 0; at < bytes.length; at += pieceLength) tail.push(bytes.subarray(at, at + pieceLength));
  return tail.text();
}

test('the tail of any text is its end in whole characters, in any pieces', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 3000, size: 'max' });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 2000 }), (whole, pieceLength) => {
      const tail = tailOf(Buffer.from(whole), pieceLength);
      const length = Buffer.byteLength(tail);
      expect(whole.endsWith(tail)).toBe(true);
      expect(length).toBeLessThanOrEqual(TAIL_MAX_BYTES);
      expect(length).toBeGreaterThan(Math.min(Buffer.byteLength(whole), TAIL_MAX_BYTES) - 4);
    }),
    { verbose: true },
  );
});

test('the tail of any bytes is well-formed and within the limit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000, size: 'max' }), (bytes) => {
      const tail = tailOf(bytes, 700);
      expect(tail.isWellFormed()).toBe(true);
      expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(TAIL_MAX_BYTES);
    }),
    { verbose: true },
  );
});

test('the output of a command that has ended is read to its end, without the delay', async () => {
  const { output, writer, logged } = playedOutput(NEVER_MS);
  const text = 'line\n'.repeat(10_000);
  writeSync(writer, text);
  closeSync(writer);
  output.commandEnded();
  await output.ended;
  await output.finish();
  expect(logged()).toBe(text);
  expect(output.bytes).toBe(text.length);
});

test('what another process writes after the end of the command is read as it comes', async () => {
  const { output, writer, logged } = playedOutput(NEVER_MS);
  writeSync(writer, 'command\n');
  output.commandEnded();
  await eventually(() => output.bytes === 8, { what: 'the output of the command' });
  writeSync(writer, 'background\n');
  closeSync(writer);
  await output.ended;
  await output.finish();
  expect(logged()).toBe('command\nbackground\n');
});

test('close() ends the reading while a process goes on writing', async () => {
  const { output, writer } = playedOutput(NEVER_MS);
  writeSync(writer, 'x'.repeat(60_000));
  output.commandEnded();
  await output.close();
  expect(output.logError).toBeUndefined();
  closeSync(writer);
});

test('close() before the first read leaves the output in the FIFO', async () => {
  const { output, directory, writer } = playedOutput(NEVER_MS);
  const other = openFifo(directory);
  writeSync(writer, 'later');
  await output.close();
  const bytes = Buffer.alloc(16);
  expect(bytes.subarray(0, readSync(other, bytes)).toString()).toBe('later');
  closeSync(other);
  closeSync(writer);
});

test('the output of a long command is read after the delay', async () => {
  const { output, writer } = playedOutput(1);
  writeSync(writer, 'early');
  await eventually(() => output.bytes === 5, { what: 'the early output' });
  writeSync(writer, ' late');
  await eventually(() => output.bytes === 10, { what: 'the late output' });
  closeSync(writer);
  await output.ended;
});
