// Runs whose Pod the API server refuses. The real Job controller asks for the Pod, and says why it gets none.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { KubeList } from '../../../src/kubernetes/api/objects.ts';
import type { KubeEvent } from '../../../src/kubernetes/objects/events.ts';
import type { LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import { eventually } from '../../support/eventually.ts';
import { KUBE_MINOR, NO_MANAGER } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };
/** Passes the profile restricted. */
const UNPRIVILEGED = {
  runAsNonRoot: true,
  runAsUser: 65532,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

describe.skipIf(NO_MANAGER)('a run whose Pod the API server refuses', { concurrent: true }, () => {
  let cluster: OperatorCluster;

  beforeAll(async () => {
    cluster = await OperatorCluster.start({ serviceAccounts: true });
    await cluster.environment.startControllerManager();
    await cluster.operator({ args: ['--leader-elect=false'] }).leads();
  });
  afterAll(() => cluster?.stop());

  async function aNamespace(name: string, labels: Record<string, string> = {}): Promise<void> {
    const { admin } = cluster;
    await admin.json({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name, labels } } });
    // Until then each Pod is refused for want of its service account.
    const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await eventually(() => admin.json({ path }).then(Boolean, () => false), {
      what: 'the account `default`',
    });
  }

  /** A namespace whose LimitRange refuses Pods without a request for CPU. */
  async function aStrictNamespace(name: string): Promise<void> {
    await aNamespace(name);
    const limits = [{ type: 'Pod', min: { cpu: '10m' } }];
    const body = { metadata: { name: 'requests' }, spec: { limits } };
    await cluster.admin.json({ method: 'POST', path: `/api/v1/namespaces/${name}/limitranges`, body });
  }

  /** Triggers a run of an LshJob that has the name of its namespace. */
  async function trigger(name: string, spec: JobSpecInput = {}): Promise<void> {
    cluster.behave(name, () => undefined);
    await cluster.create(name, { schedule: '@yearly', ...spec }, name);
    await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } }, name);
  }

  /** Resolves once the run says why it has no Pod. */
  const told = (name: string): Promise<LshJob> =>
    cluster.until(name, ({ active: [run] = [] }) => run?.message !== undefined, name);

  async function stuckEventsOf(name: string): Promise<string[]> {
    const { items } = await cluster.admin.json<KubeList<KubeEvent>>({
      path: `/api/v1/namespaces/${name}/events`,
      query: { fieldSelector: `involvedObject.name=${name},reason=RunStuck` },
    });
    return items.map(({ message = '' }) => message);
  }

  async function runsWithPod(name: string): Promise<(string | undefined)[]> {
    const { items } = await cluster.admin.json<KubeList<Pod>>({ path: `/api/v1/namespaces/${name}/pods` });
    return items.map(({ metadata }) => metadata.labels?.['lsh.dev/run']);
  }

  interface Refusal {
    /** Of the namespace and of the LshJob. */
    name: string;
    labels?: Record<string, string>;
    job: JobSpecInput['job'];
    words: RegExp;
  }

  const refusals: [string, Refusal][] = [
    [
      'a missing service account',
      {
        name: 'accountless',
        job: { serviceAccountName: 'backup' },
        words: /^No Pod was created: .*service account accountless\/backup.* not found/,
      },
    ],
    [
      'a missing priority class',
      {
        name: 'classless',
        job: { podTemplate: { spec: { priorityClassName: 'urgent' } } },
        words: /^No Pod was created: .*no PriorityClass with name urgent was found/,
      },
    ],
  ];
  const restricted: Refusal = {
    name: 'restricted',
    labels: RESTRICTED,
    job: {},
    words: /^No Pod was created: .*violates PodSecurity "restricted:latest": allowPrivilegeEscalation/,
  };
  // Servers before 1.23 know no PodSecurity.
  if (KUBE_MINOR >= 23) refusals.push(['the PodSecurity level `restricted`', restricted]);

  test.each(refusals)('for %s is Pending, and says why', async (_, { name, labels, job, words }) => {
    await aNamespace(name, labels);
    await trigger(name, { job });
    const message = expect.stringMatching(words) as string;
    const { status } = await told(name);
    expect(status).toMatchObject({ phase: 'Pending', active: [{ phase: 'Pending', message }] });
    expect(status!.active![0]).not.toHaveProperty('startedAt');
    const said = status!.active![0]!.message!;
    await eventually(async () => (await stuckEventsOf(name)).some((text) => text.includes(said)), {
      what: `an Event that says ${said}`,
    });
  });

  test('fails when its time is up', async () => {
    await aStrictNamespace('strict');
    await trigger('strict', { job: { pendingTimeoutSeconds: 12 } });
    const { status } = await cluster.until('strict', ({ totals }) => totals?.failed === 1, 'strict');
    const message = expect.stringMatching(/^No Pod was created: forbidden: .*cpu/) as string;
    expect(status!.recentRuns![0]).toMatchObject({ phase: 'Failed', reason: 'Stuck', message });
    expect(status!.conditions!.find(({ type }) => type === 'Failing')).toMatchObject({ status: 'True' });
  });

  test('is replaced once its spec is mended', async () => {
    await aStrictNamespace('mended');
    await trigger('mended');
    await cluster.until('mended', ({ active }) => active?.length === 1, 'mended');
    // An edit that does not concern the Pod leaves the run alone.
    await cluster.patch('mended', { spec: { suspend: true } }, 'mended');
    await cluster.until('mended', ({ phase }) => phase === 'Suspended', 'mended');
    expect(cluster.runsOf('mended', 'mended')).toMatchObject([{ phase: 'Pending' }]);
    const resources = { requests: { cpu: '20m' } };
    await cluster.patch('mended', { spec: { suspend: false, job: { resources } } }, 'mended');
    const { status } = await cluster.until(
      'mended',
      ({ active: [run] = [] }) => run?.attempt === 2,
      'mended',
    );
    expect(status!.recentRuns![0]).toMatchObject({ attempt: 1, phase: 'Killed', reason: 'SpecChanged' });
    const run = status!.active![0]!;
    expect(run).toMatchObject({ specChanges: 1 });
    await eventually(async () => (await runsWithPod('mended')).includes(run.name), { what: 'the Pod' });
  });

  test.skipIf(KUBE_MINOR < 23)('for PodSecurity is replaced once its spec passes the level', async () => {
    await aNamespace('confined', RESTRICTED);
    await trigger('confined');
    await told('confined');
    await cluster.patch('confined', { spec: { job: { securityContext: UNPRIVILEGED } } }, 'confined');
    const { status } = await cluster.until(
      'confined',
      ({ active: [run] = [] }) => run?.attempt === 2,
      'confined',
    );
    await eventually(async () => (await runsWithPod('confined')).includes(status!.active![0]!.name), {
      what: 'the Pod',
    });
  });
});
