// The API server denies what the operator decides: the operator tries again at growing delays, and says so.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type {
  V1CustomResourceDefinition,
  V1JSONSchemaProps,
  V1ValidationRule,
} from '@kubernetes/client-node';
import type { KubeList, KubeObject } from '../../../src/kubernetes/api/objects.ts';
import type { LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import {
  DenyingWebhook,
  registerWebhook,
  SILENT_WEBHOOK,
  type Webhook,
  type WebhookRule,
} from '../../support/cluster/denying-webhook.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import type { Operator } from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

/** The schema under its name in JSON; the generated type has underscores. */
type WireSchema = V1JSONSchemaProps & { 'x-kubernetes-validations'?: V1ValidationRule[] };

const EVERY_SECOND = '* * * * * *';
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lshjobs.lsh.dev';
const JOBS: WebhookRule = { apiGroups: ['batch'], resources: ['jobs'], operations: ['CREATE'] };
const STATUS: WebhookRule = {
  apiGroups: ['lsh.dev'],
  resources: ['lshjobs/status'],
  operations: ['UPDATE'],
};
/** The delay after the tenth failure in a row, and the sum of the delays before it. */
const TENTH_DELAY_MS = 2560;
const NINE_DELAYS_MS = 2555;

describe.skipIf(NO_KUBE)('an LshJob whose writes are denied', () => {
  let cluster: OperatorCluster;
  let operator: Operator;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
  });
  afterAll(() => cluster?.stop());
  beforeEach(async () => {
    operator = await cluster.operator({ args: ['--leader-elect=false'] }).leads();
  });
  afterEach(() => cluster.stopOperators());

  async function evaluations(): Promise<number> {
    const { body } = await operator.get('/metrics');
    const counts = [...body.matchAll(/^controller_runtime_reconcile_total\{.*\} (\d+)$/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** Fails unless the evaluations of the only LshJob keep the delays between them. `cause` makes them fail. */
  async function keepsDelays(cause: () => Promise<unknown>): Promise<void> {
    const [before, startedAt] = [await evaluations(), performance.now()];
    await cause();
    const isTenth = ({ msg, retryInMs }: { msg: string; retryInMs?: unknown }) =>
      msg === 'reconcile failed' && Number(retryInMs) >= TENTH_DELAY_MS;
    await operator.line(isTenth);
    expect((await evaluations()) - before).toBeLessThanOrEqual(12);
    expect(performance.now() - startedAt).toBeGreaterThan(NINE_DELAYS_MS);
  }

  const ready = ({ status }: LshJob) => status?.conditions?.find(({ type }) => type === 'Ready');

  async function eventOf(name: string): Promise<KubeObject & { message: string }> {
    return eventually(async () => {
      const { items } = await cluster.admin.json<KubeList<KubeObject & { message: string }>>({
        path: '/api/v1/namespaces/default/events',
        query: { fieldSelector: `involvedObject.name=${name},reason=EvaluationFailed` },
      });
      return items[0];
    });
  }

  async function deny(webhook: Webhook, ...rules: WebhookRule[]): Promise<() => Promise<void>> {
    const remove = await registerWebhook(cluster.admin, 'default', { webhook, rules });
    // The API server asks a webhook a moment after it was registered.
    const body = { metadata: { name: 'probe' }, spec: { template: aTemplate() } };
    const path = '/apis/batch/v1/namespaces/default/jobs';
    const isAsked = () =>
      cluster.admin.json({ method: 'POST', path, query: { dryRun: 'All' }, body }).then(
        () => false,
        () => true,
      );
    await eventually(isAsked, { what: 'the webhook to be asked' });
    return remove;
  }

  test('with its Jobs and its status is evaluated once per retry delay, and has an event', async () => {
    const webhook = await DenyingWebhook.start(cluster.environment);
    const allow = await deny(webhook, JOBS, STATUS);
    await keepsDelays(() => cluster.create('denied', { schedule: EVERY_SECOND }));
    expect((await eventOf('denied')).message).toContain('denied by the test’s policy');
    await allow();
    await cluster.until('denied', ({ totals }) => (totals?.completed ?? 0) >= 1);
    await cluster.delete('denied');
    await webhook.stop();
  });

  test('by the outage of a webhook for its Jobs says so in an event and in Ready', async () => {
    const allow = await deny(SILENT_WEBHOOK, JOBS);
    await cluster.create('outage', { schedule: EVERY_SECOND });
    const failing = await cluster.until('outage', (_, object) => ready(object)?.status === 'False');
    expect(ready(failing)).toMatchObject({ reason: 'ClusterRefused' });
    expect(ready(failing)?.message).toContain('failed calling webhook');
    expect((await eventOf('outage')).message).toContain('failed calling webhook');
    await allow();
    const object = await cluster.until('outage', ({ totals }) => (totals?.completed ?? 0) >= 1);
    expect(ready(object)).toMatchObject({ status: 'True' });
    await cluster.delete('outage');
  });

  test('because the definition refuses the stored object is evaluated once per retry delay', async () => {
    const definition = await cluster.admin.json<V1CustomResourceDefinition>({ path: CRD });
    await cluster.create('stored', { schedule: EVERY_SECOND, successfulRunsHistoryLimit: 50 });
    await cluster.until('stored', ({ totals }) => (totals?.completed ?? 0) >= 1);
    await keepsDelays(() => withLimit(definition, 20));
    expect((await eventOf('stored')).message).toContain('successfulRunsHistoryLimit');
    await withLimit(definition, 100);
    const completed = cluster.get('stored')!.status!.totals!.completed;
    await cluster.until('stored', ({ totals }) => (totals?.completed ?? 0) > completed);
    await cluster.delete('stored');
  });

  /**
   * Sets the largest successfulRunsHistoryLimit that the definition accepts. Servers since 1.30 accept a field that a
   * write leaves unchanged; only a rule about the whole object refuses the write there. Older ones drop the rule.
   */
  async function withLimit(definition: V1CustomResourceDefinition, maximum: number): Promise<void> {
    const versions = structuredClone(definition.spec.versions);
    const schema = versions[0]!.schema!.openAPIV3Schema! as WireSchema;
    schema.properties!['spec']!.properties!['successfulRunsHistoryLimit']!.maximum = maximum;
    const rule = `self.spec.successfulRunsHistoryLimit <= ${maximum}`;
    const message = `successfulRunsHistoryLimit must be at most ${maximum}`;
    schema['x-kubernetes-validations'] = [...(schema['x-kubernetes-validations'] ?? []), { rule, message }];
    const contentType = 'application/merge-patch+json';
    await cluster.admin.json({ method: 'PATCH', path: CRD, body: { spec: { versions } }, contentType });
  }
});

function aTemplate(): object {
  return { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
}
