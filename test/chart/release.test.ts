// The objects of a release, by its values.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { helm, CHART } from '../../scripts/chart/helm.ts';
import {
  container,
  envOf,
  NO_HELM,
  only,
  podOf,
  render,
  testJobs,
  testPodOf,
  type Rendered,
} from '../support/chart/chart.ts';
import { VARIANTS } from '../support/chart/chart-variants.ts';

const kinds = (objects: readonly Rendered[]) =>
  objects
    .filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === undefined)
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .sort();

describe.skipIf(NO_HELM)('a release', () => {
  test('passes the strict lint of helm', () => {
    expect(helm(['lint', '--strict', CHART])).toContain('0 chart(s) failed');
  });

  test('has one replica by default, cluster-wide rights, and no object that needs an add-on', () => {
    const objects = render();
    expect(kinds(objects)).toEqual([
      'ClusterRole lsh-controller',
      'ClusterRole lsh-edit',
      'ClusterRole lsh-view',
      'ClusterRoleBinding lsh-controller',
      'CustomResourceDefinition lshjobs.lsh.dev',
      'Deployment lsh-controller',
      'NetworkPolicy lsh-controller',
      'Role lsh-controller-lease',
      'RoleBinding lsh-controller-lease',
      'Service lsh-metrics',
      'ServiceAccount lsh-controller',
    ]);
    expect(only(objects, 'Deployment').spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
    expect(podOf(objects).containers.map(({ name, args }) => [name, args])).toEqual([
      ['controller', ['controller']],
      ['shell', ['runner']],
    ]);
  });

  test('runs the image of the program’s version', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const chart = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')) as Record<string, unknown>;
    expect(chart).toMatchObject({ version, appVersion: version });
    expect(JSON.stringify(chart['annotations'])).toContain(`ghcr.io/lsh-dev/lsh:${version}`);
    expect(container(render(), 'controller').image).toBe(`ghcr.io/lsh-dev/lsh:${version}`);
    const tagged = render({ image: { repository: 'registry.example.com/lsh', tag: 'next' } });
    expect(container(tagged, 'shell').image).toBe('registry.example.com/lsh:next');
  });

  test('with values-ha.yaml has two pods on different nodes, and a budget', () => {
    const objects = render({}, { files: ['values-ha.yaml'] });
    const ours = {
      'app.kubernetes.io/name': 'lsh',
      'app.kubernetes.io/instance': 'lsh',
      'app.kubernetes.io/component': 'controller',
    };
    expect(only(objects, 'Deployment').spec).toMatchObject({ replicas: 2, selector: { matchLabels: ours } });
    expect(only(objects, 'PodDisruptionBudget')).toMatchObject({
      apiVersion: 'policy/v1',
      spec: { maxUnavailable: 1, selector: { matchLabels: ours } },
    });
    expect(podOf(objects).topologySpreadConstraints).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: ours } },
      { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: ours } },
    ]);
  });

  test('on a server before 1.21 has a budget of that server’s API version', () => {
    const objects = render({}, { files: ['values-ha.yaml'], kube: '1.20' });
    expect(only(objects, 'PodDisruptionBudget').apiVersion).toBe('policy/v1beta1');
  });

  test('without a lease never has two pods, not even during an upgrade', () => {
    const objects = render({ leaderElection: { enabled: false } });
    expect(only(objects, 'Deployment').spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(envOf(container(objects, 'controller'))['LSH_LEADER_ELECT']).toBe('false');
    const { rules = [] } = only(objects, 'Role', 'lsh-controller-lease');
    expect(rules.map(({ resources }) => resources)).toEqual([['pods']]);
    const alone = render({ leaderElection: { enabled: false }, shell: { enabled: false } });
    expect(kinds(alone)).not.toContain('Role lsh-controller-lease');
  });

  test('without shell runs has one container, and no part of the other', () => {
    const objects = render({ shell: { enabled: false } });
    const pod = podOf(objects);
    expect(pod.containers.map(({ name }) => name)).toEqual(['controller']);
    expect(pod.volumes?.map(({ name }) => name)).toEqual(['token', 'calendars']);
    expect(envOf(pod.containers[0]!)).toMatchObject({ LSH_SHELL: 'off' });
    expect(testJobs(objects).map(({ spec }) => spec?.['executor'])).toEqual(['Job']);
  });

  test('for some namespaces creates only the account, the lease and the pod outside of them', () => {
    const objects = render(
      {
        namespaces: ['team-a', 'team-b'],
        rbac: { scope: 'Namespaced', aggregate: false },
        crds: { enabled: false },
        shell: { namespaces: ['team-b'] },
      },
      { namespace: 'ops' },
    );
    expect(objects.filter(({ kind }) => /^Cluster|^Custom/.test(kind))).toEqual([]);
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(
      new Set(['ops', 'team-a', 'team-b']),
    );
    expect(envOf(container(objects, 'controller'))).toMatchObject({
      LSH_NAMESPACES: 'team-a,team-b',
      LSH_SHELL_NAMESPACES: 'team-b',
    });
  });

  test('is tested in a namespace that the operator watches', () => {
    const values = { namespaces: ['team-a', 'team-b'], shell: { namespaces: ['team-b'] } };
    const objects = render(values, { namespace: 'ops' });
    expect(testJobs(objects).map(({ metadata }) => metadata)).toEqual([
      { name: 'lsh-test-job', namespace: 'team-a' },
    ]);
    expect(only(objects, 'Role', 'lsh-test').metadata.namespace).toBe('team-a');
    expect(only(objects, 'Pod').metadata.namespace).toBe('ops');
  });

  test('is tested by a job of each executor, and the test removes its objects', () => {
    const objects = render();
    const hooks = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined);
    expect(hooks.map(({ kind }) => kind).sort()).toEqual(['Pod', 'Role', 'RoleBinding', 'ServiceAccount']);
    for (const { metadata } of hooks) {
      expect(metadata.annotations).toMatchObject({
        'helm.sh/hook': 'test',
        'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
      });
    }
    expect(testJobs(objects).map(({ spec }) => spec?.['executor'])).toEqual(['Job', 'Shell']);
    const [test] = testPodOf(objects).containers;
    expect(envOf(test!)['JOBS']!.split(' ')).toEqual(testJobs(objects).map(({ metadata }) => metadata.name));
    expect(test!.args![0]).toMatch(/trap '.* lsh delete .*' EXIT/);
    expect(test!.image).toBe(container(objects, 'controller').image);
  });

  test('keeps the CRD, and so every LshJob, unless a value says otherwise', () => {
    const keep = { 'helm.sh/resource-policy': 'keep' };
    expect(only(render(), 'CustomResourceDefinition').metadata.annotations).toEqual(keep);
    const dropped = render({ crds: { keep: false } });
    expect(only(dropped, 'CustomResourceDefinition').metadata.annotations).toBeUndefined();
    expect(kinds(render({ crds: { enabled: false } }))).not.toContain(
      'CustomResourceDefinition lshjobs.lsh.dev',
    );
  });

  test('has the CRD of deploy/', () => {
    const { spec } = parse(readFileSync('deploy/crd.yaml', 'utf8')) as Rendered;
    expect(only(render(), 'CustomResourceDefinition').spec).toEqual(spec);
  });

  test('omits the CEL rules of the CRD for a server without CEL', () => {
    const { spec } = parse(readFileSync('deploy/crd.yaml', 'utf8')) as Rendered;
    const without = JSON.parse(JSON.stringify(spec), (key, value: unknown) =>
      key === 'x-kubernetes-validations' ? undefined : value,
    ) as object;
    expect(JSON.stringify(spec)).toContain('x-kubernetes-validations');
    expect(only(render({}, { kube: '1.22' }), 'CustomResourceDefinition').spec).toEqual(without);
    expect(only(render({}, { kube: '1.23' }), 'CustomResourceDefinition').spec).toEqual(spec);
  });

  test('admits traffic to the metrics only, and lets the pod call any address unless a value says otherwise', () => {
    const closed = only(render(), 'NetworkPolicy').spec;
    expect(closed).toMatchObject({
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ port: 'http', protocol: 'TCP' }] }],
    });
    const everything = VARIANTS['everything']!;
    const { networkPolicy } = everything.values as { networkPolicy: { metricsFrom: object; egress: object } };
    expect(only(render(everything.values, everything.release), 'NetworkPolicy').spec).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: networkPolicy.metricsFrom }],
      egress: networkPolicy.egress,
    });
    expect(kinds(render({ networkPolicy: { enabled: false } }))).not.toContain(
      'NetworkPolicy lsh-controller',
    );
  });

  test('uses every value', () => {
    const { values, release } = VARIANTS['everything']!;
    const objects = render(values, release);
    const pod = podOf(objects);
    expect(pod).toMatchObject({
      imagePullSecrets: [{ name: 'registry' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'batch', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'system-cluster-critical',
    });
    expect(pod.volumes).toContainEqual({ name: 'keys', secret: { secretName: 'keys', defaultMode: 288 } });
    const shell = container(objects, 'shell');
    expect(shell.image).toBe('registry.example.com/lsh-with-tools:1');
    expect(shell.volumeMounts).toContainEqual({ name: 'keys', mountPath: '/keys', readOnly: true });
    expect(envOf(shell)).toMatchObject({ TZ: 'Europe/Berlin', LSH_COMMAND_ALLOW_LIST: 'date,echo' });
    expect(container(objects, 'controller').image).toBe(`ghcr.io/lsh-dev/lsh@sha256:${'0'.repeat(64)}`);
    expect(only(objects, 'ConfigMap', 'extra')).toMatchObject({
      metadata: { namespace: 'lsh-system' },
      data: { release: 'team' },
    });
    expect(only(objects, 'ConfigMap', 'team-lsh-extra')).toBeDefined();
    const calendars = pod.volumes?.find(({ name }) => name === 'calendars');
    expect(calendars).toMatchObject({ configMap: { optional: true } });
    const { configMap } = calendars as unknown as { configMap: { name: string } };
    expect(only(objects, 'ConfigMap', configMap.name)).toMatchObject({
      data: { 'freeze.txt': '2026-12-24 # Christmas\n', 'bank-holidays.ics': 'BEGIN:VCALENDAR\n' },
    });
    expect(container(objects, 'controller').volumeMounts).toContainEqual({
      name: 'calendars',
      mountPath: '/etc/lsh/calendars',
      readOnly: true,
    });
    expect(only(objects, 'ServiceMonitor').metadata.labels).toMatchObject({
      release: 'prometheus',
      team: 'a',
    });
    const template = only(objects, 'Deployment').spec as { template: Rendered };
    expect(template.template.metadata).toMatchObject({
      labels: { team: 'a', 'example.com/tier': 'jobs', 'app.kubernetes.io/instance': 'team' },
      annotations: { 'example.com/why': 'because' },
    });
  });

  test('is selected by its Service, and the Service by its ServiceMonitor', () => {
    const { values, release } = VARIANTS['everything']!;
    const objects = render(values, release);
    const service = only(objects, 'Service');
    const { template } = only(objects, 'Deployment').spec as { template: Rendered };
    expect(template.metadata.labels).toMatchObject(service.spec!['selector'] as object);
    expect(only(objects, 'Pod').metadata.labels).not.toMatchObject(service.spec!['selector'] as object);
    const { selector } = only(objects, 'ServiceMonitor').spec as { selector: { matchLabels: object } };
    expect(service.metadata.labels).toMatchObject(selector.matchLabels);
    const [port] = service.spec!['ports'] as { targetPort: string }[];
    expect(container(objects, 'controller').ports).toMatchObject([{ name: port!.targetPort }]);
  });

  test.each(Object.entries(VARIANTS))('has no duplicate object: %s', (_, { values, release }) => {
    const names = render(values, release).map(
      ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
    );
    expect(names).toEqual([...new Set(names)]);
  });
});
