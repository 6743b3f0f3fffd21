// The rights of the pods: PodSecurity’s restricted profile, and the separation of operator and commands (ADR 0009).
import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import { CLUSTER_DEFAULTS, withPlatformDefaults } from '../../src/core/validate/defaults.ts';
import { parseManifest } from '../../src/core/validate/validate.ts';
import { jobKey } from '../../src/core/naming.ts';
import { kubeJobManifest } from '../../src/kubernetes/objects/kube-job.ts';
import { aJob, aRun } from '../support/builders.ts';
import {
  container,
  envOf,
  NO_HELM,
  podOf,
  render,
  testJobs,
  testPodOf,
  type PodSpec,
  type Rendered,
} from '../support/chart/chart.ts';
import { VARIANTS } from '../support/chart/chart-variants.ts';
import { restrictedProblems } from '../support/cluster/pod-security.ts';

/** The pod of an LshJob with executor Job. */
function jobPod({ metadata: { name, namespace = '' }, ...object }: Rendered): PodSpec {
  const checked = parseManifest({ ...object, metadata: { name, namespace } }, 'cluster');
  const spec = withPlatformDefaults(checked.spec, 'cluster', CLUSTER_DEFAULTS);
  const job = { ...aJob(), key: jobKey(namespace, name), namespace, name, spec };
  return kubeJobManifest(job, aRun(), { image: 'busybox' }).spec!.template.spec!;
}

describe.skipIf(NO_HELM).each(Object.entries(VARIANTS))('with %s', (_, { values, release }) => {
  const objects = NO_HELM ? [] : render(values, release);

  test('every pod passes the restricted profile', () => {
    expect(restrictedProblems(podOf(objects))).toEqual([]);
    expect(restrictedProblems(testPodOf(objects))).toEqual([]);
    for (const job of testJobs(objects).filter(({ spec }) => spec?.['executor'] === 'Job'))
      expect(restrictedProblems(jobPod(job))).toEqual([]);
  });

  test('no container can write to its image', () => {
    for (const { securityContext } of podOf(objects).containers)
      expect(securityContext?.readOnlyRootFilesystem).toBe(true);
  });

  test('only the controller has the token', () => {
    const pod = podOf(objects);
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.shareProcessNamespace).toBe(false);
    const tokens = (pod.volumes ?? []).filter(({ projected }) =>
      projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined),
    );
    expect(tokens.map(({ name }) => name)).toEqual(['token']);
    const holders = pod.containers.filter(({ volumeMounts }) =>
      volumeMounts?.some(({ name }) => name === 'token'),
    );
    expect(holders.map(({ name }) => name)).toEqual(['controller']);
    expect(holders[0]!.volumeMounts).toContainEqual({
      name: 'token',
      mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
      readOnly: true,
    });
  });
});

describe.skipIf(NO_HELM)('the container of the commands', () => {
  const objects = NO_HELM ? [] : render();
  const parts = () => ({
    pod: podOf(objects),
    controller: container(objects, 'controller'),
    shell: container(objects, 'shell'),
  });

  test('has another user than the controller, and shares a group with it', () => {
    const { pod, controller, shell } = parts();
    const users = [controller, shell].map(({ securityContext }) => securityContext?.runAsUser);
    expect(new Set(users).size).toBe(2);
    expect(pod.securityContext?.fsGroup).toBeGreaterThan(0);
    expect(users).not.toContain(pod.securityContext?.fsGroup);
    expect(envOf(shell)['LSH_RUNNER_GROUP_ACCESS']).toBe('true');
  });

  test('shares one volume with the controller, which cannot write to it; the socket is in a subdirectory', () => {
    const { controller, shell } = parts();
    const mounts = (one: typeof shell) => new Map(one.volumeMounts?.map((mount) => [mount.name, mount]));
    const shared = [...mounts(shell)].filter(([name]) => mounts(controller).has(name));
    expect(shared.map(([name]) => name)).toEqual(['socket']);
    expect(mounts(controller).get('socket')).toMatchObject({ mountPath: '/run/lsh', readOnly: true });
    const socket = envOf(shell)['LSH_RUNNER_SOCKET']!;
    expect(socket).toMatch(/^\/run\/lsh\/[^/]+\/[^/]+\.sock$/);
    expect(envOf(controller)['LSH_SHELL']).toBe(socket);
  });

  test('keeps its state in a volume of its own that outlives the container', () => {
    const { pod, shell } = parts();
    const state = shell.volumeMounts?.find(({ mountPath }) => mountPath === envOf(shell)['LSH_STATE_DIR']);
    expect(pod.volumes?.find(({ name }) => name === state?.name)?.emptyDir).toEqual({ sizeLimit: '2Gi' });
  });

  test('can write to its home and /tmp, as commands expect', () => {
    const { shell } = parts();
    const writable = shell.volumeMounts
      ?.filter(({ readOnly }) => !readOnly)
      .map(({ mountPath }) => mountPath);
    expect(writable).toEqual(expect.arrayContaining([envOf(shell)['HOME'], '/tmp']));
  });

  test('and the controller agree on how long commands outlive the controller', () => {
    const { controller, shell } = parts();
    for (const name of ['LSH_RUNNER_LEASE', 'LSH_RUNNER_GRACE']) {
      expect(envOf(shell)[name]).toMatch(/^\d+s$/);
      expect(envOf(controller)[name]).toBe(envOf(shell)[name]);
    }
  });

  test('has enough time to end its commands, and to record their ends', () => {
    const pod = podOf(render({ shell: { leaseSeconds: 30, graceSeconds: 100 } }));
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30 + 100 + 10);
  });
});

describe.skipIf(NO_HELM)('a Kubernetes Job', () => {
  /** The pod of an LshJob, as the operator of a release with these values makes it. */
  function runPod(values: object, job: JobSpecInput['job']): PodSpec {
    const { jobImage, jobDefaults } = loadConfig(envOf(container(render(values), 'controller')));
    const defaults = { image: jobImage, ...jobDefaults };
    const manifest = kubeJobManifest(aJob({ executor: 'Job', job }), aRun(), defaults);
    return manifest.spec!.template.spec!;
  }

  test('in the default image passes the restricted profile, and requests resources', () => {
    expect(runPod({}, undefined).containers[0]!.resources).toEqual({
      requests: { cpu: '10m', memory: '32Mi' },
    });
    expect(restrictedProblems(runPod({}, undefined))).toEqual([]);
    expect(restrictedProblems(runPod({ jobs: { restrict: 'None' } }, undefined))).not.toEqual([]);
  });

  test('in an image of its own passes it if the release restricts all', () => {
    const own = { image: 'postgres:17' };
    expect(restrictedProblems(runPod({}, own))).not.toEqual([]);
    expect(restrictedProblems(runPod({ jobs: { restrict: 'All' } }, own))).toEqual([]);
  });
});

describe('the plain manifests', () => {
  test('create a namespace that admits only pods of the restricted profile', () => {
    const [text] = readFileSync('deploy/lsh.yaml', 'utf8').split('---\n');
    expect(parse(text!)).toMatchObject({
      kind: 'Namespace',
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
  });
});

describe.skipIf(NO_HELM)('the check of the restricted profile', () => {
  const pod = () => structuredClone(podOf(render()));

  test.each<[string, (pod: PodSpec) => void]>([
    ['hostNetwork', (one) => (one.hostNetwork = true)],
    ['hostPID', (one) => (one.hostPID = true)],
    ['hostIPC', (one) => (one.hostIPC = true)],
    ['volumes', (one) => one.volumes!.push({ name: 'host', hostPath: { path: '/' } })],
    [
      'securityContext.sysctls',
      (one) => (one.securityContext!.sysctls = [{ name: 'kernel.msgmax', value: '1' }]),
    ],
    ['securityContext.runAsUser', (one) => (one.securityContext!.runAsUser = 0)],
    ['controller: privileged', (one) => (one.containers[0]!.securityContext!.privileged = true)],
    [
      'controller: allowPrivilegeEscalation',
      (one) => delete one.containers[0]!.securityContext!.allowPrivilegeEscalation,
    ],
    ['controller: capabilities.drop', (one) => (one.containers[0]!.securityContext!.capabilities = {})],
    [
      'shell: capabilities.add',
      (one) => (one.containers[1]!.securityContext!.capabilities!.add = ['SYS_PTRACE']),
    ],
    ['controller: hostPort', (one) => (one.containers[0]!.ports![0]!.hostPort = 80)],
    ['shell: procMount', (one) => (one.containers[1]!.securityContext!.procMount = 'Unmasked')],
    ['shell: runAsNonRoot', (one) => (one.containers[1]!.securityContext!.runAsNonRoot = false)],
    ['shell: runAsUser', (one) => (one.containers[1]!.securityContext!.runAsUser = 0)],
    [
      'shell: seccompProfile',
      (one) => (one.containers[1]!.securityContext!.seccompProfile = { type: 'Unconfined' }),
    ],
    [
      'shell: seLinuxOptions',
      (one) => (one.containers[1]!.securityContext!.seLinuxOptions = { type: 'spc_t' }),
    ],
    [
      'shell: appArmorProfile',
      (one) => (one.containers[1]!.securityContext!.appArmorProfile = { type: 'Unconfined' }),
    ],
  ])('finds %s', (field, change) => {
    const changed = pod();
    change(changed);
    expect(restrictedProblems(changed)).toEqual([field]);
  });
});
