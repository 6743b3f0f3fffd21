// The cache of an informer, against a plain model of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ObjectCache } from '../../../../src/kubernetes/api/watch/object-cache.ts';
import type { KubeObject } from '../../../../src/kubernetes/api/objects.ts';
import { WatchHealth } from '../../../../src/kubernetes/api/watch/watch-health.ts';
import { seeded } from '../../../support/seed.ts';

const object = (name: string, version: number): KubeObject => ({
  metadata: { name, namespace: 'n', uid: name, resourceVersion: String(version), creationTimestamp: '' },
});

describe('the cache of an informer', () => {
  test('reports exactly the changes, for any mix of events and lists', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const one = fc.tuple(name, fc.integer({ min: 1, max: 5 }));
    const event = fc.record({ type: fc.constantFrom('ADDED', 'MODIFIED', 'DELETED'), one });
    const list = fc.uniqueArray(one, { selector: ([of]) => of }).map((all) => ({ all }));
    fc.assert(
      fc.property(fc.array(fc.oneof(event, list)), (steps) => {
        const cache = new ObjectCache<KubeObject>();
        // The state of a listener that only gets the changes.
        const heard = new Map<string, string>();
        for (const step of steps) {
          const changes =
            'all' in step
              ? cache.replace(
                  step.all.map(([of, version]) => object(of, version)),
                  '9',
                )
              : [cache.apply(step.type, object(...step.one))].filter((change) => change !== undefined);
          for (const { type, object: changed } of changes) {
            const { name: of, resourceVersion } = changed.metadata;
            expect(type === 'Added').toBe(!heard.has(of));
            if (type === 'Deleted') heard.delete(of);
            else heard.set(of, resourceVersion);
          }
          const known = [...cache.values()].map(({ metadata }) => [metadata.name, metadata.resourceVersion]);
          expect(Object.fromEntries(known)).toEqual(Object.fromEntries(heard));
        }
      }),
      seeded({ numRuns: 500 }),
    );
  });
});

describe('the health of a watch', () => {
  test('adds up the time without a watch; a stalled watch was blind since its last event', () => {
    let now = 0;
    const health = new WatchHealth(() => now);
    now = 100;
    expect(health.blindMs).toBe(100);
    health.watchOpened();
    now = 1_000;
    expect(health.blindMs).toBe(100);
    expect(health.watchEnded(300)).toBe(600);
    now = 1_200;
    expect(health.blindMs).toBe(600);
    health.watchOpened();
    expect(health.lastEventAgeMs).toBe(0);
    now = 1_300;
    health.received();
    now = 1_350;
    expect(health).toMatchObject({ blindMs: 600, lastEventAgeMs: 50, watches: 2 });
  });
});
