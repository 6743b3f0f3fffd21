import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WakeHeap } from '../../src/control/wake-heap.ts';
import { seeded } from '../support/seed.ts';

test('the heap returns the same keys as a sorted list', () => {
  const operation = fc.oneof(
    fc.record({
      key: fc.integer({ min: 0, max: 20 }).map(String),
      at: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(Infinity)),
    }),
    fc.record({ now: fc.integer({ min: 0, max: 100 }) }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const heap = new WakeHeap();
      const model = new Map<string, number>();
      for (const step of operations) {
        if ('at' in step) {
          heap.set(step.key, step.at);
          if (step.at === Infinity) model.delete(step.key);
          else model.set(step.key, step.at);
        } else {
          const key = heap.takeDue(step.now);
          const earliest = Math.min(...model.values());
          if (earliest > step.now) expect(key).toBeUndefined();
          else expect(model.get(key!)).toBe(earliest);
          if (key !== undefined) model.delete(key);
        }
        expect(heap.earliest).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
      }
    }),
    seeded({ numRuns: 500 }),
  );
});
