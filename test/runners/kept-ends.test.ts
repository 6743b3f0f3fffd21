import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keptBytes } from '../../src/core/record/output-chunks.ts';
import { keptEnds } from '../../src/runners/kept-ends.ts';
import { seeded } from '../support/seed.ts';

async function* stream(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

test('a log without output is none', async () => {
  expect(await keptEnds(stream([]), 8)).toBeUndefined();
});

test('keeps the beginning and the end of any stream, and never more than the limit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
      fc.integer({ min: 4, max: 200 }),
      async (parts, maxBytes) => {
        const log = Buffer.concat(parts);
        fc.pre(log.length > 0);
        const kept = (await keptEnds(stream(parts), maxBytes))!;
        const limit = keptBytes(maxBytes);
        expect(kept.size).toBe(log.length);
        expect(Buffer.from(kept.head)).toEqual(log.subarray(0, limit.head));
        const rest = log.subarray(kept.head.length);
        expect(Buffer.from(kept.end)).toEqual(rest.subarray(Math.max(0, rest.length - limit.end)));
      },
    ),
    seeded({ numRuns: 500 }),
  );
});
