// The measurement itself: which parsers it lets pass. The parsers of this file only take time.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { expectLinearTime } from './linear-time.ts';

const SIZE = 2000;

const CHUNK = Buffer.alloc(64 * 1024);

/** Takes time in proportion to the bytes: native code, which no compiler makes faster while it runs. */
function spin(bytes: number): void {
  const hash = createHash('sha512');
  for (let left = bytes; left > 0; left -= CHUNK.length)
    hash.update(CHUNK.subarray(0, Math.min(left, CHUNK.length)));
}

type Work = (size: number) => void;
const linear: Work = (size) => spin(size * 1000);
const quadratic: Work = (size) => spin(size * size * 4);

/** Linear work on a table that outgrows one cache after the other: up to a size, each doubling takes 2.8 times as long. */
function outgrowsCaches(upTo: number): Work {
  return (size) => spin(size * 1000 * 1.4 ** Math.log2((16 * Math.min(size, upTo)) / SIZE));
}

/** The same work, but a refusal above the limit. */
function limited(work: Work, limit: number): Work {
  return (size) => (size > limit ? spin(size) : work(size));
}

/** The same work, whose first call takes as long as a compilation or a collection of garbage. */
function slowAtFirst(work: Work): Work {
  let calls = 0;
  return (size) => (calls++ === 0 ? spin(100_000_000) : work(size));
}

const measured = (run: Work) =>
  expectLinearTime({ what: 'spinning', input: (size) => size, run, size: SIZE });

describe('passes', () => {
  test.each<[string, Work]>([
    ['linear work', linear],
    ['linear work that is slow at first', slowAtFirst(linear)],
    ['linear work up to a limit', limited(linear, SIZE * 5)],
    ['linear work that outgrows caches', outgrowsCaches(SIZE)],
    ['work that does not grow', () => spin(1000)],
    ['a refusal of every size', limited(quadratic, 10)],
  ])('%s', async (_, run) => {
    await measured(run);
  });
});

describe('fails', () => {
  test.each<[string, Work]>([
    ['quadratic work', quadratic],
    ['quadratic work that is slow at first', slowAtFirst(quadratic)],
    ['quadratic work up to a limit', limited(quadratic, SIZE * 1.5)],
    ['quadratic work up to a limit below the size', limited(quadratic, SIZE * 0.8)],
    [
      'quadratic work beside linear work',
      (size) => {
        linear(size / 5);
        quadratic(size);
      },
    ],
  ])('%s', async (_, run) => {
    await expect(measured(run)).rejects.toThrow(/^spinning: /);
  });
});
