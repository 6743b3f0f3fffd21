// The runner of Kubernetes Jobs on a real API server, without a loop.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/control/clock.ts';
import { API_VERSION, KIND } from '../../../src/core/api-version.ts';
import type { RunObservation } from '../../../src/core/run.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { NamespacedInformer } from '../../../src/kubernetes/api/watch/namespaced-informer.ts';
import { trimmedKubeJob, type KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { kubeJobPath } from '../../../src/kubernetes/objects/kube-job.ts';
import { trimmedPod, UNFINISHED, type Pod } from '../../../src/kubernetes/objects/pod.ts';
import { KubeJobRunner } from '../../../src/kubernetes/operator/kube-job-runner.ts';
import { aJob, aRun } from '../../support/builders.ts';
import { KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';

const KEY = 'default/backup';
const UID = '11111111-2222-3333-4444-555555555555';

describe.skipIf(NO_KUBE)('the runner of Kubernetes Jobs', () => {
  let environment: KubeEnvironment;
  let client: KubeClient;
  let kubeJobs: NamespacedInformer<KubeJob>;
  let pods: NamespacedInformer<Pod>;
  let runner: KubeJobRunner;
  const job = aJob({ executor: 'Job' }, { name: 'backup', namespace: 'default', key: KEY, uid: UID });

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    client = await environment.client();
    const shared = { client, logger: keptLogger(), namespaces: [] };
    kubeJobs = new NamespacedInformer<KubeJob>({
      ...shared,
      pathOf: () => '/apis/batch/v1/jobs',
      trim: trimmedKubeJob,
    });
    pods = new NamespacedInformer<Pod>({
      ...shared,
      pathOf: () => '/api/v1/pods',
      fieldSelector: UNFINISHED,
      trim: trimmedPod,
    });
    runner = new KubeJobRunner({
      api: client,
      kubeJobs,
      pods,
      facts: { phaseOf: () => 'Running', jobOf: () => job, underWayOf: () => [] },
      defaults: { image: 'busybox' },
      clock: systemClock,
      logger: keptLogger(),
      removalDelayMs: 0,
    });
    await Promise.all([kubeJobs.start(), pods.start()]);
  });
  afterAll(async () => {
    runner?.close();
    await Promise.all([kubeJobs?.stop(), pods?.stop()]);
    await environment?.stop();
  });

  async function end(name: string): Promise<void> {
    const time = new Date().toISOString();
    const condition = (type: string) => ({
      type,
      status: 'True',
      lastProbeTime: time,
      lastTransitionTime: time,
    });
    // A server from 1.31 on asks for both.
    const conditions = [condition('SuccessCriteriaMet'), condition('Complete')];
    await client.json({
      method: 'PATCH',
      path: `${kubeJobPath('default', name)}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { startTime: time, completionTime: time, succeeded: 1, conditions } },
    });
  }

  test('announces the end of a run when it knows the whole end, without an evaluation before it', async () => {
    const run = aRun({ name: 'backup-1', job: KEY, jobUid: UID, executor: 'Job' });
    await runner.start(job, run);
    const owners = kubeJobs.get('default/backup-1')?.metadata.ownerReferences;
    expect(owners).toMatchObject([{ apiVersion: API_VERSION, kind: KIND, name: 'backup', uid: UID }]);
    const announced: RunObservation[][] = [];
    runner.onChange((key) => announced.push(runner.observe(key)));
    await end('backup-1');
    await eventually(() => announced.length > 0);
    expect(announced[0]).toMatchObject([{ name: 'backup-1', state: 'Ended', exitCode: 0 }]);
  });
});
