// The jobs of a cluster in the team's history, over the real outbox: each change once, and none twice after a restart.
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { JobsRecord, type LastChange } from '../../../src/control/history/jobs-record.ts';
import { LedgerOutbox } from '../../../src/control/history/ledger-outbox.ts';
import { Listeners } from '../../../src/control/listeners.ts';
import type { JobRoster, RecordedJob, TeamHistory } from '../../../src/control/ports.ts';
import { LshError } from '../../../src/core/errors.ts';
import type { Job, JobKey } from '../../../src/core/job.ts';
import { jobKey } from '../../../src/core/naming.ts';
import type { AuditEntry, HistoryEntry, JobEntry } from '../../../src/core/record/entry.ts';
import { aJob, at } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const AWAY = new LshError('HISTORY_UNAVAILABLE', { url: 'https://team.example', detail: 'away' });

/** Rows by their keys, as the tables of a project. */
class Project implements TeamHistory, JobRoster {
  readonly rows = new Map<JobKey, JobEntry>();
  readonly audit = new Map<number, AuditEntry>();
  isAway = false;
  writes = 0;
  most = 0;
  reads = 0;

  async record(entries: readonly HistoryEntry[]): Promise<void> {
    if (this.isAway) throw AWAY;
    this.writes += entries.length;
    this.most = Math.max(this.most, entries.length);
    for (const entry of entries) {
      if (entry.kind === 'audit' && !this.audit.has(entry.number)) this.audit.set(entry.number, entry);
      if (entry.kind === 'job') this.#put(entry);
    }
  }

  #put(entry: JobEntry): void {
    const row = this.rows.get(entry.job);
    if ((row?.revision ?? 0) > entry.revision) return;
    this.rows.set(entry.job, { ...entry, spec: entry.spec ?? row?.spec });
  }

  async jobs(): Promise<RecordedJob[]> {
    this.reads++;
    if (this.isAway) throw AWAY;
    return [...this.rows.values()].map(({ job, jobUid: uid, revision, isRemoved, spec }) => ({
      job,
      uid,
      revision,
      isRemoved,
      matches: (payload) => JSON.stringify(payload.spec) === JSON.stringify(spec),
    }));
  }

  get said(): string[] {
    return [...this.audit.values()].map(({ action, job, actor }) => `${action} ${job} ${actor ?? '-'}`);
  }
}

/** The LshJobs of a cluster. */
class Cluster {
  readonly jobs = new Map<JobKey, Job>();
  readonly last = new Map<JobKey, LastChange>();
  readonly #listeners = new Listeners<JobKey>();

  get = (key: JobKey): Job | undefined => this.jobs.get(key);
  keys = (): Iterable<JobKey> => this.jobs.keys();
  onChange = (listener: (key: JobKey) => void): void => this.#listeners.add(listener);

  put(
    name: string,
    command: string,
    { by = 'kubectl', suspend = false, ...job }: Partial<Job> & { by?: string; suspend?: boolean } = {},
  ): void {
    const key = jobKey('team-a', name);
    const before = this.jobs.get(key);
    const generation = (before?.generation ?? 0) + 1;
    this.jobs.set(
      key,
      aJob(
        { command, suspend },
        { uid: `uid-of-${name}`, ...job, key, namespace: 'team-a', name, generation },
      ),
    );
    this.last.set(key, { by, at: at('2026-02-01T00:00:00Z') });
    this.#listeners.notify(key);
  }

  remove(name: string): void {
    const key = jobKey('team-a', name);
    this.jobs.delete(key);
    this.#listeners.notify(key);
  }

  /** As a write of the status. */
  touch(name: string): void {
    const key = jobKey('team-a', name);
    this.jobs.set(key, { ...this.jobs.get(key)! });
    this.#listeners.notify(key);
  }
}

let project: Project;
let cluster: Cluster;
let clock: ManualClock;
const logger = keptLogger();

beforeEach(() => {
  project = new Project();
  cluster = new Cluster();
  clock = new ManualClock(at('2026-03-01T00:00:00Z'));
});

function start({ isWatched = () => true }: { isWatched?: (namespace: string) => boolean } = {}) {
  const outbox = new LedgerOutbox({ history: project, clock, logger });
  const lastChange = (key: JobKey) => cluster.last.get(key) ?? {};
  const record = new JobsRecord({
    source: cluster,
    roster: project,
    outbox,
    lastChange,
    isWatched,
    clock,
    logger,
  });
  const stop = () => {
    record.close();
    outbox.close();
  };
  onTestFinished(stop);
  record.start();
  return stop;
}

const said = (lines: string[]) =>
  eventually(() => project.said.length >= lines.length && (expect(project.said).toEqual(lines), true));

/** Lets every write and listener proceed. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

test('records who added, changed, paused and removed a job', async () => {
  cluster.put('backup', 'make one', { by: 'helm' });
  start();
  await said(['Added team-a/backup helm']);
  cluster.put('backup', 'make two', { by: 'kubectl-edit' });
  cluster.put('backup', 'make two', { by: 'lsh', suspend: true });
  cluster.put('backup', 'make two', { by: 'lsh' });
  cluster.remove('backup');
  await said([
    'Added team-a/backup helm',
    'Configured team-a/backup kubectl-edit',
    'Paused team-a/backup lsh',
    'Resumed team-a/backup lsh',
    'Removed team-a/backup -',
  ]);
  expect(project.rows.get('team-a/backup')).toMatchObject({ isRemoved: true, spec: { command: 'make two' } });
  const [, configured] = [...project.audit.values()];
  expect(configured!.changes).toEqual([{ path: 'command', before: 'make one', after: 'make two' }]);
});

test('a status that changes writes nothing, nor does a restart', async () => {
  cluster.put('backup', 'make');
  const stop = start();
  await said(['Added team-a/backup kubectl']);
  await settle();
  const { writes } = project;
  cluster.touch('backup');
  await settle();
  stop();
  start();
  await eventually(() => project.reads === 2);
  await settle();
  expect(project.writes).toBe(writes);
});

test('a restart finds what changed meanwhile, and what was removed', async () => {
  for (const name of ['kept', 'changed', 'gone', 'replaced']) cluster.put(name, `make ${name}`);
  const stop = start();
  await said(['kept', 'changed', 'gone', 'replaced'].map((name) => `Added team-a/${name} kubectl`));
  stop();
  cluster.put('changed', 'make more');
  cluster.remove('gone');
  cluster.put('replaced', 'make replaced', { uid: 'another' });
  project.audit.clear();
  start();
  await eventually(() => project.audit.size === 4);
  expect(project.said.toSorted()).toEqual([
    'Added team-a/replaced kubectl',
    'Configured team-a/changed kubectl',
    'Removed team-a/gone -',
    'Removed team-a/replaced -',
  ]);
  await settle();
  expect(project.rows.get('team-a/replaced')).toMatchObject({ jobUid: 'another', isRemoved: false });
});

test('a job in a namespace that is not watched any more is not removed', async () => {
  cluster.put('backup', 'make');
  const stop = start();
  await said(['Added team-a/backup kubectl']);
  await settle();
  stop();
  cluster.remove('backup');
  start({ isWatched: (namespace) => namespace === 'team-b' });
  await eventually(() => project.reads === 2);
  await settle();
  expect(project.rows.get('team-a/backup')!.isRemoved).toBe(false);
});

test('a process that is killed between the audit row and the row of the job adds no second audit row', async () => {
  cluster.put('backup', 'make one');
  const stop = start();
  await said(['Added team-a/backup kubectl']);
  await settle();
  const before = project.rows.get('team-a/backup')!;
  cluster.put('backup', 'make two');
  await said(['Added team-a/backup kubectl', 'Configured team-a/backup kubectl']);
  await settle();
  stop();
  project.rows.set('team-a/backup', before);
  start();
  await eventually(
    () => (project.rows.get('team-a/backup')!.spec as { command?: string }).command === 'make two',
  );
  expect(project.said).toEqual(['Added team-a/backup kubectl', 'Configured team-a/backup kubectl']);
});

test('a project that is away at the start is read again, and hears of all that happened meanwhile', async () => {
  project.isAway = true;
  cluster.put('first', 'make');
  start();
  await eventually(() => project.reads === 1 && clock.pending > 0);
  cluster.put('second', 'make');
  project.isAway = false;
  await eventually(() => {
    clock.advanceTo(clock.now() + 1000);
    return project.rows.size === 2;
  });
  expect(project.reads).toBe(2);
});

test('many jobs enter the outbox a thousand at a time', async () => {
  for (let job = 0; job < 5000; job++) cluster.put(`job-${job}`, 'make');
  start();
  await eventually(() => project.rows.size === 5000 && project.audit.size === 5000);
  expect(project.writes).toBe(10_000);
});
