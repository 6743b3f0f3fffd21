// The jobs of a cluster, as the loop is notified of them.
import { expect, test } from 'vitest';
import type { Change } from '../../../src/kubernetes/api/watch/object-cache.ts';
import { LshJobSource } from '../../../src/kubernetes/operator/lsh-job-source.ts';
import type { NamespacedInformer } from '../../../src/kubernetes/api/watch/namespaced-informer.ts';
import type { LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';

const OBJECT: LshJob = {
  apiVersion: 'lsh.dev/v1alpha1',
  kind: 'LshJob',
  metadata: {
    name: 'backup',
    namespace: 'team',
    uid: 'u1',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { schedule: '0 2 * * *', command: 'true' },
};

test('a deleted job is announced even if the cleanup after it fails', () => {
  let deliver!: (change: Change<LshJob>) => void;
  const informer: Pick<NamespacedInformer<LshJob>, 'get' | 'onChange'> = {
    get: () => OBJECT,
    onChange: (listener) => (deliver = listener),
  };
  const source = new LshJobSource({
    api: { json: () => Promise.reject(new Error()), request: () => Promise.reject(new Error()) },
    informer: informer as NamespacedInformer<LshJob>,
    admit: () => undefined,
    onRemoved: () => {
      throw new Error('the disk is read-only');
    },
  });
  const announced: string[] = [];
  source.onChange((key) => announced.push(key));
  expect(source.get('team/backup')).toBeDefined();
  expect(() => deliver({ type: 'Deleted', object: OBJECT })).toThrow('read-only');
  expect(announced).toEqual(['team/backup']);
});
