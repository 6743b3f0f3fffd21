// When the command of a Pod began, and the problems that keep it from starting.
import type { V1ContainerStatus } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import type { Wire } from '../../../src/kubernetes/api/objects.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import { commandStart, stuckMessage, trimmedPod } from '../../../src/kubernetes/objects/pod.ts';

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

const STARTED = '2026-01-01T00:00:07Z';

test.each<[string, ContainerStatus['state'], number | undefined]>([
  ['runs', { running: { startedAt: STARTED } }, Date.parse(STARTED)],
  [
    'has ended, beside another that runs',
    { terminated: { exitCode: 0, startedAt: STARTED } },
    Date.parse(STARTED),
  ],
  ['waits, beside another that runs', { waiting: { reason: 'ErrImagePull' } }, undefined],
])('a command that %s', (_, state, startedAt) => {
  const command = { ...waiting('run', ''), state };
  const proxy = { ...waiting('proxy', ''), state: { running: { startedAt: '2026-01-01T00:00:01Z' } } };
  expect(commandStart(aPod([proxy, command]))).toBe(startedAt);
});
