// The user's whole trace, replayed on a laptop: a daemon, the job as typed, Sunday at two, the push of its secrets, and the
// record. The numbers are the steps of docs/trace.md, each as it is seen from outside.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { JobDocument, RunDocument } from '../../src/core/document.ts';
import type { DaemonStatus } from '../../src/local/socket/protocol.ts';
import { MovableClock } from '../support/clock/movable-clock.ts';
import { LAST_MOMENT_MS, nextSundayAtTwo, WEEK_MS } from '../support/clock/sundays.ts';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, type TestHome } from '../support/daemon/daemon.ts';
import { LAUNCHER } from '../support/daemon/node-places.ts';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/side-effects.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

const COMMAND = 'lsh push --env prod';
const SECRET = 'sunday/secret+at~two';
const ENV_FILE = `# production\nAPI_KEY='${SECRET}'\nREGION=eu\n`;
const EMAIL = 'ada@example.com';
const PASSWORD = 'correct horse battery staple';

/** A machine with a project, and a clock of its own. */
class Laptop {
  readonly clock = new MovableClock();
  readonly home: TestHome;
  /** The project. */
  readonly cwd: string;
  readonly #gate: string;

  constructor(env: Record<string, string> = {}) {
    // Short, so that a moved clock is noticed soon.
    const home = aHome({ LSH_EVALUATION_INTERVAL: '1s', ...env });
    const bin = join(home.env['HOME']!, 'bin');
    this.cwd = join(home.env['HOME']!, 'app');
    this.#gate = join(bin, 'gate');
    mkdirSync(join(this.cwd, '.git'), { recursive: true });
    mkdirSync(bin);
    writeFileSync(join(this.cwd, '.gitignore'), '.env\n');
    writeFileSync(join(this.cwd, '.env'), ENV_FILE);
    execFileSync('mkfifo', [this.#gate]);
    // What commands find as `lsh`: it waits until the test has looked at its process, then becomes the program.
    writeFileSync(join(bin, 'lsh'), `#!/bin/sh\nread -r _ <'${this.#gate}'\nexec '${LAUNCHER}' "$@"\n`, {
      mode: 0o755,
    });
    const path = [bin, dirname(LAUNCHER), home.env['PATH']].join(':');
    this.home = { ...home, env: { ...home.env, PATH: path } };
    onTestFinished(async () => void (await this.lsh('daemon', 'stop')));
    onTestFinished(async () => void (await this.lsh('cron', 'stop', 'rotate-secrets')));
  }

  lsh = (...args: string[]) => lsh(this.home, args, { cwd: this.cwd, env: this.clock.env });
  ok = (...args: string[]) => lshOk(this.home, args, { cwd: this.cwd, env: this.clock.env });
  json = async <T>(...args: string[]) => JSON.parse(await this.ok(...args, '-o', 'json')) as T;

  status = () => this.json<DaemonStatus>('daemon', 'status');
  runs = () => this.json<RunDocument[]>('cron', 'history', 'rotate-secrets');

  /** Lets the waiting `lsh` go. */
  release = () => writeFile(this.#gate, '\n');

  /** The first run of the slot in that state. */
  runOf(slot: number, isWanted: (run: RunDocument) => boolean): Promise<RunDocument> {
    const look = async () =>
      (await this.runs()).find((run) => Date.parse(run.slot) === slot && isWanted(run));
    return eventually(look, { what: `the run of ${new Date(slot).toISOString()}` });
  }

  /** Asks the file of the database, past the daemon. */
  rows(query: string): Record<string, unknown>[] {
    const database = new DatabaseSync(this.home.paths.database, { readOnly: true });
    try {
      return database
        .prepare(query)
        .all()
        .map((row) => ({ ...row }));
    } finally {
      database.close();
    }
  }
}

const mode = (path: string): number => statSync(path).mode & 0o777;
const wordsOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
/** Parent, process group and session. */
function familyOf(pid: number): { parent: number; group: number; session: number } {
  const [parent, group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .split(') ')
    .at(-1)!
    .split(' ')
    .slice(1, 4);
  return { parent: Number(parent), group: Number(group), session: Number(session) };
}

/** Phase 1: `lsh daemon start`. */
async function startsTheDaemon(laptop: Laptop): Promise<void> {
  const { paths } = laptop.home;
  // 1-3: the command line parses, and finds the verb.
  expect(await laptop.ok('daemon', 'start')).toMatch(/^daemon started \(process \d+\)\n$/);
  // 4: the command has ended; the daemon lives on in a session of its own.
  const { pid, health, socketPath } = await laptop.status();
  expect(familyOf(pid)).toMatchObject({ group: pid, session: pid });
  // 5: socket and database exist, for this user alone, and a second daemon does not start.
  expect(socketPath).toBe(paths.socket);
  expect([mode(paths.socket), mode(paths.database)]).toEqual([0o600, 0o600]);
  expect(await laptop.ok('daemon', 'start')).toContain(`already running (process ${pid})`);
  // 6: no job is loaded yet. 7: the loop has evaluated.
  expect(await laptop.json('cron', 'list')).toEqual([]);
  expect(health).toMatchObject({ problems: [], overdueJobs: 0 });
}

/** Phase 2: `lsh cron add`, as typed. */
async function addsTheJob(laptop: Laptop, sunday: number): Promise<void> {
  const add = ['cron', 'add', '--name', 'rotate-secrets', '--schedule', '0 2 * * 0', '--command', COMMAND];
  // 8-15: flags become a job; the answer names the next Sundays.
  const created = await laptop.ok(...add);
  expect(created).toMatch(/^job "rotate-secrets" created\n/);
  expect(created).toContain(`Sun ${new Date(sunday).toISOString().slice(0, 10)} 02:00`);
  // 16, 17: JSON over the Unix socket, routed by command; the answer has the id of the question.
  const answer = await askSocket(laptop.home.paths.socket, {
    id: 'question-1',
    payload: { name: 'rotate-secrets' },
  });
  expect(answer).toMatchObject({ id: 'question-1', result: { metadata: { name: 'rotate-secrets' } } });
  // 18, 19: checked and put; adding it again changes nothing.
  const { spec } = await laptop.json<JobDocument>('cron', 'get', 'rotate-secrets');
  expect(spec).toMatchObject({ schedule: '0 2 * * 0', command: COMMAND, workingDir: laptop.cwd });
  expect(await laptop.ok(...add)).toContain('job "rotate-secrets" unchanged');
  // 20: the job is on disk: the next daemon has it after a kill.
  expect(laptop.rows('select name, spec from jobs')).toEqual([
    { name: 'rotate-secrets', spec: expect.stringContaining(COMMAND) as string },
  ]);
  process.kill((await laptop.status()).pid, 'SIGKILL');
  await laptop.ok('daemon', 'start');
  expect((await laptop.status()).next).toEqual({ job: 'rotate-secrets', at: rfc3339(sunday) });
}

const rfc3339 = (instant: number): string => new Date(instant).toISOString().replace('.000', '');

async function askSocket(socketPath: string, body: object): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  request({
    socketPath,
    method: 'POST',
    path: '/v1/job.get',
    headers: { 'content-type': 'application/json' },
  })
    .on('response', (response) => void json(response).then(resolve, reject))
    .on('error', reject)
    .end(JSON.stringify(body));
  return promise;
}

/** Phase 3: Sunday at two. */
async function runsTheJob(laptop: Laptop, sunday: number): Promise<RunDocument> {
  laptop.clock.moveTo(sunday - LAST_MOMENT_MS);
  // 22: the slot is due, and its run is on record before the command has ended.
  const running = await laptop.runOf(sunday, ({ phase }) => phase === 'Running');
  expect(running).toMatchObject({ trigger: 'Schedule', attempt: 1, executor: 'Shell' });
  expect(Date.parse(running.startedAt!)).toBeGreaterThanOrEqual(sunday);
  // 23, 24: one process group for the run, with /bin/sh -c, outside that of the daemon, by its fork server.
  const pids = await eventually(() => {
    const found = processesWith(`LSH_RUN=${running.name}`);
    return found.length > 1 && found;
  });
  const groups = new Set(pids.map((pid) => familyOf(pid).group));
  expect(groups.size).toBe(1);
  const [group] = groups;
  expect(familyOf(familyOf(group!).parent).parent, 'the parent of the fork server').toBe(
    (await laptop.status()).pid,
  );
  expect(wordsOf(group!).slice(-3)).toEqual(['/bin/sh', '-c', COMMAND]);
  // 25: the command is a process of lsh like any other.
  expect(pids.map((pid) => wordsOf(pid).slice(-3).join(' '))).toContain('push --env prod');
  await laptop.release();
  // 27: its end has become a phase, with exit code and output.
  const ended = await laptop.runOf(sunday, ({ phase }) => phase !== 'Running');
  expect(ended).toMatchObject({ name: running.name, phase: 'Completed', exitCode: 0 });
  // 28: the end and the outcome of the slot are on disk.
  expect(laptop.rows(`select phase, exit_code from runs where name = '${running.name}'`)).toEqual([
    { phase: 'Completed', exit_code: 0 },
  ]);
  expect(laptop.rows(`select outcome from slots where run = '${running.name}'`)).toEqual([
    { outcome: 'Ran' },
  ]);
  expect((await laptop.status()).next!.at).toBe(rfc3339(sunday + WEEK_MS));
  return ended;
}

/** 26: the environment has one version, which opens to the file that the project has, byte for byte. */
async function storedTheSecrets(laptop: Laptop, output: string): Promise<void> {
  expect(output).toMatch(/ prod: version 1 stored for 1 recipient in /);
  expect(output).toContain('+ API_KEY');
  expect(output).not.toContain(SECRET);
  expect(await laptop.json('secrets', 'history', '--env', 'prod')).toMatchObject([{ version: 1 }]);
  const copy = join(laptop.home.env['HOME']!, 'copy.env');
  await laptop.ok('pull', '--env', 'prod', '--file', copy);
  expect(readFileSync(copy, 'utf8')).toBe(ENV_FILE);
}

/** The next Sunday: nothing has changed, and the push says so. */
async function runsAgain(laptop: Laptop, sunday: number): Promise<void> {
  const { outputTail } = await runsTheJob(laptop, sunday);
  expect(outputTail).toMatch(/ prod: unchanged, version 1\n$/);
}

describe('the trace', () => {
  const sunday = nextSundayAtTwo();

  test('with nothing configured: the secrets are in files of this user', async () => {
    const laptop = new Laptop();
    await startsTheDaemon(laptop);
    await addsTheJob(laptop, sunday);
    const { outputTail = '' } = await runsTheJob(laptop, sunday);
    await storedTheSecrets(laptop, outputTail);
    const store = join(laptop.home.env['HOME']!, '.local/share/lsh/secrets');
    const files = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const versions = files
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => path.endsWith('.json'));
    expect(versions.map(mode)).toEqual([0o600]);
    expect(readFileSync(versions[0]!, 'latin1')).not.toContain(SECRET);
    await runsAgain(laptop, sunday + WEEK_MS);
  });

  describe.skipIf(NO_SUPABASE)('with Supabase', () => {
    let supabase: Supabase;

    beforeAll(async () => {
      supabase = await Supabase.start();
    });
    afterAll(() => supabase?.stop());

    test('the record and the secrets are in the project', async () => {
      const member = supabase.signIn.add(EMAIL, PASSWORD);
      await supabase.sql('insert into lsh_members (team, user_id) values ($1, $2)', ['default', member]);
      const laptop = new Laptop({
        USER: 'ada',
        SUPABASE_URL: supabase.url,
        SUPABASE_ANON_KEY: supabase.anonKey,
        SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
      });
      // Commands do not inherit the key of the service role: they push as the member.
      await lshOk(laptop.home, ['supabase', 'login', '--email', EMAIL], { stdin: `${PASSWORD}\n` });
      await startsTheDaemon(laptop);
      await addsTheJob(laptop, sunday);
      // 21: the job, and who added it.
      const jobs = `select j.name, j.spec->>'command' as command, a.action, a.actor from lsh_jobs j
        join lsh_audit a on a.job = j.name`;
      await eventually(async () => (await supabase.sql(jobs)).length > 0);
      expect(await supabase.sql(jobs)).toEqual([
        { name: 'rotate-secrets', command: COMMAND, action: 'Added', actor: 'ada' },
      ]);
      const { name, outputTail = '' } = await runsTheJob(laptop, sunday);
      await storedTheSecrets(laptop, outputTail);
      const versions = await supabase.sql<{ version: number; envelope: string }>(
        'select version, envelope from lsh_secret_versions',
      );
      expect(versions).toEqual([
        { version: 1, envelope: expect.stringContaining('AGE ENCRYPTED') as string },
      ]);
      // 29: the daemon has recorded the run, once.
      await eventually(async () => (await laptop.status()).history!.backlog === 0);
      const [recorded, ...others] = await supabase.runs();
      expect(others).toEqual([]);
      expect(recorded).toMatchObject({
        name,
        slot: sunday,
        trigger: 'Schedule',
        phase: 'Completed',
        exitCode: 0,
      });
      expect(await supabase.sql('select run, output from lsh_run_logs')).toEqual([
        { run: name, output: outputTail },
      ]);
      await runsAgain(laptop, sunday + WEEK_MS);
    });
  });
});
