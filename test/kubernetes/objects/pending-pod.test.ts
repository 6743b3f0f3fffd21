// The problems that keep a pending Pod from starting.
import type { V1ContainerStatus } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import type { Wire } from '../../../src/kubernetes/api/objects.ts';
import type { Pod } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { stuckMessage, trimmedPod } from '../../../src/kubernetes/objects/pending-pod.ts';

type ContainerStatus = Wire<V1ContainerStatus>;

function waiting(name: string, reason: string, message?: string): ContainerStatus {
  return {
    name,
    image: `${name}:1`,
    imageID: '',
    ready: false,
    restartCount: 0,
    state: { waiting: { reason, message } },
  };
}

/** A pending Pod with these containers, as the informer caches it. */
function aPod(containers: ContainerStatus[], initContainers: ContainerStatus[] = []): Pod {
  return trimmedPod({
    metadata: {
      name: 'backup-1-abcde',
      namespace: 'team',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '',
    },
    spec: {
      containers: containers.map(({ name, image }) => ({ name, image })),
      initContainers: initContainers.map(({ name, image }) => ({ name, image })),
    },
    status: { containerStatuses: containers, initContainerStatuses: initContainers },
  });
}

test.each([
  ['a missing image', 'ImagePullBackOff', 'The image "run:1" cannot be pulled.'],
  ['a missing Secret', 'CreateContainerConfigError', 'The container "run" cannot be created: no secret'],
  ['no problem yet', 'ContainerCreating', undefined],
])('%s', (_, reason, message) => {
  expect(stuckMessage(aPod([waiting('run', reason, 'no secret')]))).toBe(message);
});

test.each([
  ['image', 'ErrImagePull', 'The image "fetch:1" cannot be pulled.'],
  ['disk', 'CreateContainerError', 'The container "fetch" cannot be created: no disk'],
])('a missing %s of an init container', (_, reason, message) => {
  const init = [waiting('fetch', reason, 'no disk')];
  expect(stuckMessage(aPod([waiting('run', 'PodInitializing')], init))).toBe(message);
});

test('the containers beside the command’s do not matter', () => {
  expect(
    stuckMessage(aPod([waiting('run', 'ContainerCreating'), waiting('proxy', 'ErrImagePull')])),
  ).toBeUndefined();
});
