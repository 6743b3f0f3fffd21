// Every slot has exactly one run or one recorded outcome, through random faults: two operators with leader election,
// fifty jobs of both executors that are due each second, and a leader that is killed, frozen or cut off at random.
// LSH_CHAOS_SECONDS makes the test longer; from three minutes on it uses the default lease durations.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../../src/core/executor.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { SLOT_ANNOTATION } from '../../../src/kubernetes/objects/kube-job.ts';
import type { KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { chaos } from '../../support/cluster/chaos.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import type { End, PlayedJobController } from '../../support/cluster/played-job-controller.ts';
import { findings, isComplete } from '../../support/cluster/ledger-check.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { Replica } from '../../support/cluster/replica.ts';
import { testSeed } from '../../support/seed.ts';

const SECONDS = Number(process.env['LSH_CHAOS_SECONDS'] ?? 45);
const LONG_SECONDS = 180;
const JOBS = 50;
const LEASE_SECONDS = SECONDS < LONG_SECONDS ? 3 : 6;
/** 8 s for a lease of 6 s. */
const FAULT_MS = (LEASE_SECONDS * 1000 * 4) / 3;
const SETTLE_MS = 120_000;

/** The history limits show all runs that end together. */
const SHOWN = { successfulRunsHistoryLimit: 100, failedRunsHistoryLimit: 100 } as const;
const ALL = { missedRunPolicy: 'All', maxMissedRuns: 100 } as const;
const POLICIES: Partial<JobSpecInput>[] = [
  {},
  { concurrencyPolicy: 'Allow', ...ALL },
  { concurrencyPolicy: 'Replace' },
  { concurrencyPolicy: 'Queue', ...ALL },
  { missedRunPolicy: 'Skip' },
];
/** Jobs per policy that take longer than the time to the next slot. */
const isSlow = (index: number): boolean => index % 10 < POLICIES.length && index % 2 === 1;
const executorOf = (index: number): Executor => (Math.floor(index / 10) % 2 === 0 ? 'Job' : 'Shell');
const SLOW_SECONDS = 2;

describe.skipIf(NO_KUBE)('exactly once', () => {
  let cluster: OperatorCluster;
  let jobs: TimedJobs;
  let marks: Marks;
  const replicas: Replica[] = [];

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    jobs = new TimedJobs(cluster.jobController);
    marks = new Marks(join(cluster.environment.dir, 'marks'));
    const args = ['--lease-duration', `${LEASE_SECONDS}s`];
    for (const _ of [1, 2]) replicas.push(await Replica.start(cluster, args));
    await Promise.race(replicas.map(({ operator }) => operator.leads()));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await cluster?.stop();
  });

  test(
    `every slot of ${JOBS} jobs has one run or one outcome after ${SECONDS} s of trouble`,
    { timeout: SECONDS * 1000 + 2 * SETTLE_MS },
    async () => {
      const seed = testSeed('exactly once');
      const until = Math.ceil(Date.now() / 1000 + SECONDS) * 1000;
      const notAfter = new Date(until).toISOString();
      const created = await Promise.all(
        Array.from({ length: JOBS }, (_, index) => {
          const name = `job-${index}`;
          const seconds = isSlow(index) ? SLOW_SECONDS : 0;
          cluster.behave(name, (job) => jobs.behave(job, seconds));
          const policy = POLICIES[index % POLICIES.length];
          const executor = executorOf(index);
          const command = marks.command(seconds);
          const spec = { schedule: '* * * * * *', notAfter, executor, command };
          return cluster.create(name, { ...spec, ...SHOWN, ...policy });
        }),
      );
      const accounts = () => {
        const executed = marks.read();
        return created.map((object, index) => {
          const account = cluster.ledgerOf(object, until);
          const executions = executed.get(account.name) ?? [];
          return executorOf(index) === 'Job' ? account : { ...account, executions };
        });
      };

      const newestSlot = () => jobs.newestSlot;
      const faults = await chaos({ cluster, replicas, seed, until, faultMs: FAULT_MS, newestSlot });
      for (const replica of replicas) replica.heal();
      jobs.endAll();
      marks.endAll();
      const what = `seed ${seed}: ${faults.join(', ')}; ended with ${replicas.flatMap(({ ends }) => ends).join(', ')}`;
      console.log(what);
      // The findings list each slot that is still open after the limit.
      await eventually(() => accounts().every(isComplete), { withinMs: SETTLE_MS }).catch(() => undefined);

      expect(accounts().flatMap(findings), what).toEqual([]);
      expect(cluster.jobController.failures).toEqual([]);
      expect(new Set(faults).size).toBeGreaterThanOrEqual(3);
    },
  );
});

/** The lines that shell runs write: one per execution. */
class Marks {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** A command that writes its line and takes this many seconds. */
  command(seconds: number): string {
    const mark = `echo "$LSH_JOB $LSH_RUN $LSH_SLOT" >> ${this.#path}`;
    return seconds === 0 ? mark : `${mark}; [ -e ${this.#path}.over ] || exec sleep ${seconds}`;
  }

  /** From now on every execution ends at once. */
  endAll(): void {
    writeFileSync(`${this.#path}.over`, '');
  }

  /** Executions by the name of their LshJob. */
  read(): Map<string, { run: string; slot: number }[]> {
    const lines = existsSync(this.#path) ? readFileSync(this.#path, 'utf8').split('\n') : [];
    const marks = lines.map((line) => line.split(' ')).filter((words) => words.length === 3);
    return Map.groupBy(
      marks.map(([job = '', run = '', slot = '']) => ({
        job,
        run,
        slot: Date.parse(slot),
      })),
      ({ job }) => job,
    );
  }
}

/** Jobs that take this many seconds, measured by the newest seen slot. */
class TimedJobs {
  readonly #jobController: PlayedJobController;
  readonly #open = new Map<string, { job: KubeJob; endsAt: number }>();
  newestSlot = 0;
  #ending = false;

  constructor(jobController: PlayedJobController) {
    this.#jobController = jobController;
  }

  behave(job: KubeJob, seconds: number): End | undefined {
    const slot = Date.parse(job.metadata.annotations?.[SLOT_ANNOTATION] ?? '');
    this.newestSlot = Math.max(this.newestSlot, slot);
    if (seconds === 0 || this.#ending) return 'Complete';
    this.#open.set(job.metadata.uid, { job, endsAt: slot + seconds * 1000 });
    this.#end(({ endsAt }) => endsAt <= this.newestSlot);
    return undefined;
  }

  /** From now on every execution ends at once. */
  endAll(): void {
    this.#ending = true;
    this.#end(() => true);
  }

  #end(isOver: (open: { endsAt: number }) => boolean): void {
    for (const [uid, open] of this.#open) {
      if (!isOver(open)) continue;
      this.#open.delete(uid);
      this.#jobController
        .end(open.job, 'Complete')
        .catch((error: unknown) => this.#jobController.failures.push(error));
    }
  }
}
