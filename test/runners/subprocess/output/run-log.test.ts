import { mkdtempSync, readFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { RunLog } from '../../../../src/runners/subprocess/output/run-log.ts';
import { readAll } from '../../../support/runners/run-output.ts';
import { tempDir } from '../../../support/temp-dir.ts';

let base: string;
beforeEach(() => {
  base = tempDir();
});

const LEFT_OUT = /\n\[lsh: (\d+) bytes left out\]\n/;

function place(maxBytes: number) {
  const directory = mkdtempSync(join(base, 'run-'));
  return { path: join(directory, 'x.log'), directory, maxBytes };
}

/** Bytes that encode their own offset, so that a shift or repetition shows. */
function numbered(length: number, from = 0): Buffer {
  return Buffer.from(Array.from({ length }, (_, n) => 97 + ((from + n + Math.floor((from + n) / 26)) % 26)));
}

/** The log must be the whole output, or its beginning, the notice with the right count, and its end. */
function expectBounded(log: Buffer, output: Buffer, maxBytes: number): void {
  expect(log.length).toBeLessThanOrEqual(maxBytes);
  const text = log.toString('latin1');
  const match = LEFT_OUT.exec(text);
  const whole = output.toString('latin1');
  if (!match) {
    expect(text).toBe(whole);
    return;
  }
  const head = text.slice(0, match.index);
  const tail = text.slice(match.index + match[0].length);
  expect(whole.startsWith(head)).toBe(true);
  expect(whole.endsWith(tail)).toBe(true);
  expect(head.length + Number(match[1]) + tail.length).toBe(whole.length);
  expect(head.length).toBe(Math.floor(maxBytes / 4));
  expect(tail.length).toBeGreaterThan(maxBytes / 4);
}

describe('a bounded log', () => {
  test('keeps the beginning and the end of any output in any pieces, across any number of crashes', async () => {
    const piece = fc.record({ length: fc.integer({ min: 1, max: 3000 }), reopen: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1024, max: 6000 }),
        fc.array(piece, { maxLength: 25 }),
        async (maxBytes, pieces) => {
          const options = place(maxBytes);
          let log = RunLog.create(options);
          let written = 0;
          for (const { length, reopen } of pieces) {
            await log.append(numbered(length, written));
            written += length;
            expect(log.size).toBe(written);
            if (!reopen) continue;
            await log.close();
            log = RunLog.reopen(options);
            expect(log.size).toBe(written);
          }
          await log.finish();
          const output = numbered(written);
          const kept = written > 0 ? readFileSync(options.path) : Buffer.alloc(0);
          expectBounded(kept, output, maxBytes);
          expect(await readAll(log.read())).toBe(kept.toString('latin1'));
          expect(readdirSync(options.directory)).toEqual(written > 0 ? ['x.log'] : []);
        },
      ),
      { numRuns: 60, verbose: true },
    );
  });

  test('repeats the append of the segments after a crash during it', async () => {
    const options = place(2048);
    const log = RunLog.create(options);
    const output = numbered(9000);
    await log.append(output);
    await log.close();
    await appendFile(options.path, '\n[lsh: half of a not');
    await RunLog.reopen(options).finish();
    expectBounded(readFileSync(options.path), output, 2048);
  });

  test('has a notice for dropped bytes also while the run goes on', async () => {
    const log = RunLog.create(place(2048));
    await log.append(numbered(9000));
    const text = await readAll(log.read());
    expectBounded(Buffer.from(text), numbered(9000), 2048);
    await log.finish();
  });

  test('replaces the log of an earlier run of that name', async () => {
    const options = place(2048);
    const first = RunLog.create(options);
    await first.append(Buffer.from('old'));
    await first.finish();
    const second = RunLog.create(options);
    await second.append(Buffer.from('new'));
    await second.finish();
    expect(readFileSync(options.path, 'utf8')).toBe('new');
    expect(statSync(options.path).mode & 0o777).toBe(0o600);
  });
});

describe('following', () => {
  test('yields the past output, then the new, and ends with the run', async () => {
    const log = RunLog.create(place(4096));
    await log.append(Buffer.from('one '));
    const parts = log.read({ follow: true });
    expect(String((await parts.next()).value)).toBe('one ');
    const second = parts.next();
    await log.append(Buffer.from('two'));
    expect(String((await second).value)).toBe('two');
    const end = parts.next();
    await log.finish();
    expect((await end).done).toBe(true);
  });

  test('yields every byte of an output beyond the limit to a reader that keeps up, up to its end', async () => {
    const log = RunLog.create(place(2048));
    const parts = log.read({ follow: true });
    let seen = '';
    for (let n = 0; n < 90; n++) {
      await log.append(numbered(100, n * 100));
      if (n === 89) await log.finish();
      seen += String((await parts.next()).value);
    }
    expect(seen).toBe(numbered(9000).toString());
    expect((await parts.next()).done).toBe(true);
  });

  test('tells a slow reader how much it has missed', async () => {
    const log = RunLog.create(place(2048));
    await log.append(numbered(300));
    const parts = log.read({ follow: true });
    const seen = [String((await parts.next()).value)];
    await log.append(numbered(9000, 300));
    await log.finish();
    for await (const part of parts) seen.push(String(part));
    expect(seen[0]).toBe(numbered(300).toString());
    const missed = Number(LEFT_OUT.exec(seen.join(''))![1]);
    const kept = seen.join('').replace(LEFT_OUT, '');
    expect(kept.length + missed).toBe(9300);
  });

  test('ends when the reader aborts', async () => {
    const log = RunLog.create(place(2048));
    const giveUp = new AbortController();
    const next = log.read({ follow: true, signal: giveUp.signal }).next();
    giveUp.abort();
    expect((await next).done).toBe(true);
  });

  test('ends also when another program truncated the file', async () => {
    const options = place(4096);
    const log = RunLog.create(options);
    await log.append(numbered(900));
    truncateSync(options.path, 0);
    await log.finish();
    expect(await readAll(log.read({ follow: true }))).toBe('');
  });
});
