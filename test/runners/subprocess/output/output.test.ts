import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { OutputTail, TAIL_MAX_BYTES } from '../../../../src/runners/subprocess/output/output.ts';

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
