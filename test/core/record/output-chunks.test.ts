// The chunks of an output: nothing is lost or moved, and a line stands where output is missing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leftOut } from '../../../src/core/record/left-out.ts';
import {
  CHUNK_MAX_BYTES,
  keptBytes,
  maskedTail,
  outputChunks,
  type KeptOutput,
} from '../../../src/core/record/output-chunks.ts';
import { aRunAt } from '../../support/builders.ts';
import { seeded } from '../../support/seed.ts';

const runWith = (outputBytes: number | undefined, outputTail = 'tail') =>
  aRunAt('a', 1, { outputTail, ...(outputBytes !== undefined && { outputBytes }) });

/** What a runner keeps of a log, within a limit. */
function kept(log: Buffer, maxBytes = log.length): KeptOutput {
  const limit = keptBytes(maxBytes);
  if (log.length <= maxBytes) return { size: log.length, head: log, end: Buffer.alloc(0) };
  return { size: log.length, head: log.subarray(0, limit.head), end: log.subarray(-limit.end) };
}

/** The log of a run that kept the first and the last bytes of its output. */
function logWithout(output: Buffer, from: number, to: number): Buffer {
  return Buffer.concat([output.subarray(0, from), Buffer.from(leftOut(to - from)), output.subarray(to)]);
}

test('a short output is one chunk', () => {
  expect([...outputChunks(runWith(6), kept(Buffer.from('hello\n')))]).toEqual([
    { number: 0, startByte: 0, text: 'hello\n' },
  ]);
});

test('a run whose record takes no output has no chunks', () => {
  const run = aRunAt('a', 1, { outputBytes: 6 });
  expect([...outputChunks(run, kept(Buffer.from('hello\n')))]).toEqual([]);
});

test('chunks end between characters', () => {
  const output = Buffer.from(`x${'é'.repeat(CHUNK_MAX_BYTES)}`);
  const chunks = [...outputChunks(runWith(output.length), kept(output))];
  expect(chunks).toHaveLength(3);
  expect(chunks.map(({ text }) => text).join('')).toBe(output.toString());
  expect(chunks.map(({ text }) => Buffer.byteLength(text))).toEqual([65_535, 65_536, 2]);
});

test('of a longer output the beginning and the end are kept, with a line between them', () => {
  const output = Buffer.from(Array.from({ length: 1000 }, (_, line) => `line ${line}\n`).join(''));
  const chunks = [...outputChunks(runWith(output.length), kept(output, 400))];
  expect(chunks.map(({ startByte }) => startByte)).toEqual([0, output.length - 300]);
  expect(chunks[0]!.text).toBe(output.toString('utf8', 0, 100));
  expect(chunks[1]!.text).toBe(
    `${leftOut(output.length - 400)}${output.toString('utf8', output.length - 300)}`,
  );
});

test('the end begins with a whole character', () => {
  const output = Buffer.from('é'.repeat(1000));
  const chunks = [...outputChunks(runWith(output.length), kept(output, 401))];
  expect(chunks[1]).toMatchObject({ startByte: 1700, text: `${leftOut(1600)}${'é'.repeat(150)}` });
});

test('a log that lacks the middle of the output says where the rest begins', () => {
  const output = Buffer.from(Array.from({ length: 1000 }, (_, line) => `line ${line}\n`).join(''));
  const log = logWithout(output, 500, 8000);
  expect([...outputChunks(runWith(output.length), kept(log))]).toEqual([
    { number: 0, startByte: 0, text: output.toString('utf8', 0, 500) },
    { number: 1, startByte: 8000, text: leftOut(7500) + output.toString('utf8', 8000) },
  ]);
});

test('a log that a full disk ended says how much is missing', () => {
  expect([...outputChunks(runWith(100), kept(Buffer.from('hello\n')))]).toEqual([
    { number: 0, startByte: 0, text: 'hello\n' },
    { number: 1, startByte: 100, text: leftOut(94) },
  ]);
});

describe('without a log', () => {
  test('the end that the record has takes its place, after a line', () => {
    expect([...outputChunks(runWith(100, 'the end\n'), undefined)]).toEqual([
      { number: 0, startByte: 92, text: `[lsh: 92 bytes left out]\nthe end\n` },
    ]);
  });

  test('an end that is the whole output needs no line, nor does one of unknown size', () => {
    const whole = [{ number: 0, startByte: 0, text: 'the end\n' }];
    expect([...outputChunks(runWith(8, 'the end\n'), undefined)]).toEqual(whole);
    expect([...outputChunks(runWith(undefined, 'the end\n'), undefined)]).toEqual(whole);
  });
});

test('any output, log and limit: each chunk is what stands at its place in the output', () => {
  const character = fc.constantFrom('a', '\n', 'é', '€', '😀');
  fc.assert(
    fc.property(
      fc.array(character, { minLength: 1, maxLength: 400 }),
      fc.nat(400),
      fc.nat(400),
      fc.integer({ min: 8, max: 2000 }),
      (characters, one, other, maxBytes) => {
        const output = Buffer.from(characters.join(''));
        const [from, to] = [one, other]
          .map((at) => Buffer.byteLength(characters.slice(0, at).join('')))
          .toSorted((a, b) => a - b) as [number, number];
        const log = to === from ? output : logWithout(output, from, to);
        // As of a runner, which keeps the first quarter of a limit that is not below this one.
        fc.pre(log === output || log.length <= maxBytes);
        const chunks = [...outputChunks(runWith(output.length), kept(log, maxBytes))];
        let at = 0;
        for (const [index, { number, startByte, text }] of chunks.entries()) {
          expect(number).toBe(index);
          const left = leftOut(startByte - at);
          const isAfterGap = startByte > at;
          if (isAfterGap) expect(text.startsWith(index === 0 ? left.trimStart() : left)).toBe(true);
          const gap = index === 0 ? left.trimStart().length : left.length;
          const own = Buffer.from(isAfterGap ? text.slice(gap) : text);
          // The cut may go through the last character of the beginning.
          const shown = output.toString('utf8', startByte, startByte + own.length);
          if (!own.toString().includes('\uFFFD')) expect(own.toString()).toBe(shown);
          at = own.toString().includes('\uFFFD') ? keptBytes(maxBytes).head : startByte + own.length;
        }
        expect(at).toBe(output.length);
      },
    ),
    seeded({ numRuns: 2000 }),
  );
});

describe('a hidden value', () => {
  const VALUE = 'hunter2-canary';
  const textOf = (run: ReturnType<typeof runWith>, log: KeptOutput | undefined) =>
    [...outputChunks(run, log, [VALUE])].map(({ text }) => text).join('');

  test('is masked across two chunks', () => {
    const output = Buffer.from(`${'x'.repeat(CHUNK_MAX_BYTES - 5)}${VALUE} end`);
    expect(textOf(runWith(output.length), kept(output))).toBe(`${'x'.repeat(CHUNK_MAX_BYTES - 5)}*** end`);
  });

  test('leaves no part at a cut', () => {
    const output = Buffer.from(`${'x'.repeat(95)}${VALUE}${'y'.repeat(500)}${VALUE}${'z'.repeat(290)}`);
    const shown = textOf(runWith(output.length), kept(output, 400));
    expect(shown).toBe(`${'x'.repeat(95)}${leftOut(output.length - 400)}***${'z'.repeat(290)}`);
  });

  test('is masked in the end of an output whose beginning is lost', () => {
    const tail = `r2-canary, ${VALUE}`;
    expect(textOf(runWith(100, tail), undefined)).toBe(`${leftOut(75).trimStart()}***, ***`);
    expect(maskedTail(runWith(100, tail), [VALUE])).toBe('***, ***');
    expect(maskedTail(runWith(tail.length, tail), [VALUE])).toBe('r2-canary, ***');
  });
});
