// Texts from elsewhere that would control the terminal, through every verb and format: as answers and as errors of a daemon
// whose words are the test's own, as arguments, and as files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import type { PutResult } from '../../src/contracts/job-api.ts';
import { complete } from '../../src/cli/completion/complete.ts';
import { serialize } from '../../src/cli/output/print.ts';
import { withProgress } from '../../src/cli/output/progress.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { run } from '../../src/cli/run.ts';
import { jobDocument } from '../../src/core/document.ts';
import { LshError } from '../../src/core/errors.ts';
import { DaemonServer, type Handlers } from '../../src/local/socket/server.ts';
import type { DaemonStatus } from '../../src/local/socket/protocol.ts';
import { aJob, aRunAt, aStatus, T0 } from '../support/builders.ts';

/** A title, a cleared screen, a colour, ESC [ in one character, turned text, an overwritten and a forged line. */
const HOSTILE =
  'x\u001B]0;title\u0007\u001B[2J\u001B[35my\u009B31mz\u202Eabc\u2066d\u200Fe\rf\nerror: forged\u007F\u2028\u0085g';
const ESC = '\u001B';
const COLOURS = new RegExp(`${ESC}\\[(?:1|2|22|31|32|33|39)m`, 'g');
const ANY_COLOUR = new RegExp(`${ESC}\\[[\\d;:]*m`, 'g');
const PROGRESS = '\r\u001B[K';
const CONTROL = /(?!\n)[\p{Cc}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

/** Words that the program reads, in place of showing them. */
const READ = new Set([
  'schedule',
  'timeZone',
  'phase',
  'trigger',
  'apiVersion',
  'kind',
  'executor',
  'type',
  'outcome',
]);

function hostile<T>(value: T, key = ''): T {
  if (typeof value === 'string')
    return (READ.has(key) || /^\d{4}-\d\d-\d\dT/.test(value) ? value : `${value}${HOSTILE}`) as T;
  if (Array.isArray(value)) return value.map((entry: unknown) => hostile(entry, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, hostile(part, name)])) as T;
}

const RUNS = [
  aRunAt('backup', 0, {
    phase: 'Failed',
    reason: 'SpawnError',
    message: 'm',
    outputTail: 't',
    requestedBy: 'ann',
  }),
  aRunAt('backup', 60, { phase: 'Running' }),
];
const JOB = hostile(
  jobDocument(
    aJob(
      {
        description: 'd',
        tags: ['t'],
        env: [{ name: 'A', value: 'v' }],
        workingDir: '/w',
        schedule: '* * * * *',
      },
      {
        labels: { a: 'b' },
        annotations: { c: 'd' },
        status: aStatus({
          backfill: {
            id: 'i',
            from: T0,
            to: T0,
            parallel: 1,
            requestedBy: 'ann',
            phase: 'Cancelled',
            message: 'm',
            slots: 2,
            completed: 1,
            failed: 0,
            pending: [{ from: T0, to: T0, count: 1 }],
            startedAt: T0,
          },
          conditions: ['Ready', 'Scheduled', 'Failing'].map((type) => ({
            type,
            status: 'False',
            reason: 'r',
            message: 'm',
            lastTransitionAt: T0,
            observedGeneration: 1,
          })) as never,
        }),
      },
    ),
    RUNS,
  ),
);
const RUN = { ...JOB.status!.recentRuns[0]!, job: HOSTILE };
const BACKFILL = JOB.status!.backfill!;
const SLOT = { job: HOSTILE, from: RUN.createdAt, to: RUN.createdAt, count: 1, recordedAt: RUN.createdAt };
const PUT: PutResult = {
  result: 'configured',
  changes: [
    { path: HOSTILE, before: HOSTILE, after: [HOSTILE] },
    { path: HOSTILE, change: 'added' },
  ],
  warnings: [HOSTILE],
  notes: [HOSTILE],
  next: ['2026-11-29T02:00:00Z'],
  job: JOB,
};
const PROBLEM = new LshError(
  'JOB_INVALID',
  { detail: HOSTILE },
  { hint: HOSTILE, problems: [{ path: HOSTILE, message: HOSTILE }] },
);
const wire = { code: PROBLEM.code, message: HOSTILE, hint: HOSTILE, fields: {}, problems: PROBLEM.problems };
const STATUS: DaemonStatus = hostile({
  pid: 4_200_000,
  version: 'v',
  protocol: 1,
  startedAt: '2026-01-01T00:00:00Z',
  uptimeSeconds: 1,
  stateDir: '/s',
  socketPath: '/s',
  logPath: '/l',
  timeZone: 'UTC',
  jobs: { total: 1, suspended: 1, invalid: 1 },
  activeRuns: 1,
  next: { job: 'j', at: '2026-01-01T00:00:00Z' },
  memory: { rssBytes: 1, heapUsedBytes: 1 },
  output: { bytes: 1, maxBytes: 1 },
  clockSteps: [],
  health: { problems: [wire], overdueJobs: 1, backlog: 1 },
});

const answer =
  <T>(value: T) =>
  () =>
    Promise.resolve(value);
const ANSWERS: Handlers = {
  'job.put': answer(PUT),
  'job.list': answer([JOB]),
  'job.get': answer(JOB),
  'job.remove': answer({ stopped: [HOSTILE], warnings: [HOSTILE] }),
  'job.suspend': answer(PUT),
  'job.trigger': answer(RUN),
  'job.backfill': answer({
    job: HOSTILE,
    slots: [{ slot: RUN.slot, attempt: 1, run: HOSTILE }],
    left: { Ran: 1 },
    backfill: BACKFILL,
  }),
  'job.cancelBackfill': answer({ backfill: BACKFILL }),
  'job.stop': answer({ stopped: [HOSTILE] }),
  'job.runs': answer([RUN]),
  'job.run': ({ run: name }) =>
    name.endsWith('-2') ? Promise.reject(new LshError('RUN_NOT_FOUND', { name })) : Promise.resolve(RUN),
  'job.slots': answer([
    { ...SLOT, outcome: 'Ran' as const, run: HOSTILE },
    { ...SLOT, outcome: 'Missed' as const, cause: HOSTILE as never },
  ]),
  'job.stats': answer([
    { job: HOSTILE, completed: 1, failed: 1, killed: 1, missed: 1, recentDurationsMs: [1] },
  ]),
  'job.noticesOf': answer({
    rules: [{ channels: [HOSTILE], on: ['Failed'], after: 2 }],
    notices: (['Sent', 'Waiting', 'Dead'] as const).map((state) => ({
      channel: HOSTILE,
      kind: 'Failed' as const,
      state,
      at: HOSTILE,
      why: HOSTILE,
      nextTryAt: HOSTILE,
    })),
  }),
  'job.log': async function* () {
    yield Buffer.from(HOSTILE);
  },
  'daemon.status': answer(STATUS),
  'daemon.metrics': answer({ lines: [HOSTILE], jobs: 2, leftOut: 1 }),
  'daemon.notices': answer({
    channels: [{ channel: HOSTILE, waiting: 1, dead: 1, why: HOSTILE, trouble: HOSTILE }],
  }),
  'daemon.shutdown': answer({ pid: STATUS.pid }),
};

/** Whether the daemon answers, or refuses each request with a hostile error. */
let refuses = false;
const handlers = new Proxy(ANSWERS, {
  get: (answers, command: keyof Handlers) =>
    !refuses
      ? answers[command]
      : command === 'job.log'
        ? // oxlint-disable-next-line require-yield
          async function* () {
            throw PROBLEM;
          }
        : () => Promise.reject(PROBLEM),
});

const directory = mkdtempSync(join(tmpdir(), 'lsh-test-'));
const path = (name: string) => join(directory, name);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const server = new DaemonServer({
  socketPath: path('run/lshd.sock'),
  version: 'v',
  handlers,
  log: silent,
});

beforeAll(async () => {
  mkdirSync(path('run'), { mode: 0o700 });
  mkdirSync(path('state'), { mode: 0o700 });
  const manifest = {
    apiVersion: 'lsh.dev/v1alpha1',
    kind: 'LshJob',
    metadata: { name: HOSTILE },
    spec: { [HOSTILE]: 1 },
  };
  writeFileSync(path('job.json'), JSON.stringify(manifest));
  writeFileSync(path('broken.yaml'), `a: [${HOSTILE}\n`);
  writeFileSync(path('crontab'), `0 1 * * * echo ${HOSTILE.replaceAll(/[\n\r]/g, '')}\n${HOSTILE}\n`);
  writeFileSync(
    path('cronjob.json'),
    JSON.stringify({ kind: HOSTILE, apiVersion: HOSTILE, metadata: { name: HOSTILE } }),
  );
  writeFileSync(path('kubeconfig'), JSON.stringify({ 'current-context': HOSTILE, contexts: [] }));
  writeFileSync(path('state/lshd.log'), 'a line\n');
  // The same text each time, so that the editor opens twice and no more.
  writeFileSync(path('editor'), `#!/bin/sh\ncat '${path('job.json')}' >"$1"\n`, { mode: 0o700 });
  for (const [name, value] of Object.entries({
    HOME: directory,
    LSH_STATE_DIR: path('state'),
    LSH_RUNTIME_DIR: path('run'),
    KUBECONFIG: path('kubeconfig'),
    EDITOR: path('editor'),
    VISUAL: undefined,
    LSH_LOG_LEVEL: HOSTILE,
  }))
    vi.stubEnv(name, value);
  await server.listen();
});
afterAll(async () => {
  await server.close();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function aTerminal() {
  let text = '';
  const stream = () =>
    Object.assign(
      new Writable({ write: (part: Buffer, _encoding, done) => ((text += part.toString()), done()) }),
      {
        isTTY: true,
        columns: 200,
      },
    );
  const io = { stdin: new PassThrough(), stdout: stream(), stderr: stream(), now: () => T0 + 120_000 };
  return { io, text: () => text };
}

function expectHarmless(text: string): void {
  const rest = text.replaceAll(PROGRESS, '').replaceAll(COLOURS, '');
  expect(JSON.stringify(CONTROL.exec(rest)), JSON.stringify(text)).toBe('null');
  expect(text).not.toMatch(/^error: forged/m);
}

/** Of a command's own output its colours stay, and its lines may say what they like. */
function expectHarmlessOutput(text: string): void {
  expectHarmless(text.replaceAll(ANY_COLOUR, '').replaceAll(/^error: forged/gm, ''));
}

const NAME = [HOSTILE];
const YEARLY = ['-s', '@yearly', '-c', 'true'];
/** The calls of each command; undefined for a process that serves until it is stopped, whose words are in its log. */
const CALLS: Record<string, string[][] | undefined> = {
  'cron add': [
    ['-n', 'x', ...YEARLY],
    ['-n', HOSTILE, '-s', HOSTILE, '-c', HOSTILE],
    ['--tz', HOSTILE, '-n', 'x', ...YEARLY],
  ],
  'cron at': [
    [HOSTILE, '-c', 'true'],
    ['2098-01-01', '-n', HOSTILE, '-c', HOSTILE],
  ],
  'cron in': [
    [HOSTILE, '-c', 'true'],
    ['90m', '-c', HOSTILE],
  ],
  'cron list': [[], ['--tag', HOSTILE]],
  'cron get': [NAME],
  'cron next': [NAME, [`${HOSTILE} *`], ['* * * * *', '--tz', HOSTILE]],
  'cron history': [[], NAME, ['--slots'], ['--missed', HOSTILE], ['--since', HOSTILE]],
  'cron logs': [[], NAME, ['-n', '1', HOSTILE], ['--since', '2020-01-01']],
  'cron report': [[], NAME],
  'cron explain': [NAME, [HOSTILE, '--at', HOSTILE]],
  'cron trigger': [NAME, ['--wait', HOSTILE]],
  'cron stop': [NAME, [HOSTILE, HOSTILE]],
  'cron backfill': [
    [HOSTILE, '--from', '2026-06-01'],
    [HOSTILE, '--from', '2026-06-01', '--dry-run'],
    [HOSTILE, '--from', HOSTILE],
    [HOSTILE, '--cancel'],
  ],
  'cron pause': [NAME, [HOSTILE, HOSTILE]],
  'cron resume': [NAME],
  'cron edit': [NAME],
  'cron remove': [NAME, [HOSTILE, HOSTILE]],
  'cron validate': [[HOSTILE], [`${HOSTILE} *`], [path('job.json')], [path('broken.yaml')]],
  'cron templates': [[]],
  'cron create-from-template': [
    NAME,
    ['log-cleanup', '--set', HOSTILE],
    ['log-cleanup', '--set', `directory=${HOSTILE}`],
  ],
  'cron import': [
    ['--crontab', path('crontab')],
    ['--crontab', HOSTILE],
    ['-f', path('cronjob.json')],
    ['--cronjob', HOSTILE],
  ],
  'cron export': [[], NAME],
  'cron pull': [NAME, [HOSTILE, '--origin', HOSTILE]],
  'cron promote': [NAME, [HOSTILE, '--context', HOSTILE], [HOSTILE, '--kubeconfig', HOSTILE]],
  apply: [
    ['-f', path('job.json')],
    ['-f', path('broken.yaml')],
    ['-f', HOSTILE],
  ],
  delete: [
    ['-f', path('job.json')],
    ['-f', HOSTILE],
  ],
  'calendar add': [
    [HOSTILE, HOSTILE],
    ['days', path('broken.yaml')],
  ],
  'calendar list': [[]],
  'calendar show': [NAME, ['none']],
  'calendar remove': [NAME, ['none']],
  'channel add': [
    [HOSTILE, '--kind', 'ping', '--url', 'http://localhost:1'],
    ['x', '--kind', HOSTILE],
    ['x', '--kind', 'ping', '--url', HOSTILE],
    ['x', '--kind', 'command', '--command', HOSTILE],
  ],
  'channel list': [[]],
  'channel test': [NAME, ['x']],
  'channel remove': [NAME],
  'daemon start': [[]],
  'daemon stop': [[]],
  'daemon restart': [[]],
  'daemon status': [[]],
  'daemon metrics': [[]],
  'daemon logs': [[]],
  'daemon run': undefined,
  'daemon cleanup': [[]],
  'daemon install': [['--print']],
  'daemon uninstall': [[]],
  controller: undefined,
  'runner logs': [[HOSTILE], ['ops/backup-1'], ['-f', '--until-eof', 'ops/backup-1']],
  push: [
    ['--env', HOSTILE],
    ['--file', HOSTILE],
  ],
  pull: [
    ['--env', HOSTILE],
    ['--env', 'none'],
  ],
  diff: [[HOSTILE], ['--env', HOSTILE]],
  // More would change the project of the tests.
  init: [[HOSTILE]],
  'secrets list': [['--env', HOSTILE], ['--all']],
  'secrets get': [NAME],
  'secrets set': [[`${HOSTILE}=1`], [HOSTILE, '--from-file', HOSTILE]],
  'secrets unset': [NAME],
  'secrets rotate': [[HOSTILE, '--generate', 'echo a', '--verify', 'true', '--overlap', HOSTILE]],
  'secrets history': [['--env', HOSTILE]],
  'secrets rollback': [NAME, ['1', '--env', HOSTILE]],
  'secrets audit': [['-n', HOSTILE]],
  'secrets import': [[HOSTILE], [path('job.json')]],
  'secrets export': [['--env', HOSTILE]],
  'secrets run': [['--env', HOSTILE, '--', 'true']],
  'secrets scan': [[], ['--staged']],
  'secrets trust': [['--env', HOSTILE]],
  'key generate': [[]],
  'key show': [[]],
  'key list': [['--env', HOSTILE]],
  'key add-recipient': [[HOSTILE, HOSTILE]],
  'key remove-recipient': [NAME],
  'key rekey': [['--env', HOSTILE]],
  'supabase init': [[], ['--dry-run']],
  'supabase login': [[], ['--email', HOSTILE]],
  'supabase logout': [[]],
  'supabase whoami': [[]],
  'supabase status': [[]],
  doctor: [[]],
  completion: [['bash'], [HOSTILE]],
  version: [[]],
};

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}
const pathOf = (command: Command): string =>
  command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
const COMMANDS = leaves(
  await buildProgram({ io: aTerminal().io, api: () => Promise.reject(PROBLEM), status: 0 }, 'all'),
);

test('every command is called', () => {
  expect(Object.keys(CALLS).sort()).toEqual(COMMANDS.map(pathOf).sort());
});

describe.each([
  ['answers', false],
  ['refusals', true],
])('of a hostile daemon, the %s control no terminal', (_what, isRefusing) => {
  const called = COMMANDS.filter((command) => CALLS[pathOf(command)] !== undefined);
  test.each(called.map((command) => [pathOf(command), command] as const))(
    'through lsh %s',
    async (name, command) => {
      refuses = isRefusing;
      const formats = command.options.find(({ long }) => long === '--output')?.argChoices ?? [];
      const outputs = [[], ...formats.map((format) => ['-o', format])];
      const check = name === 'cron logs' && !isRefusing ? expectHarmlessOutput : expectHarmless;
      for (const output of outputs) {
        for (const args of CALLS[name]!) {
          const terminal = aTerminal();
          await run([...name.split(' '), ...args, ...output], terminal.io);
          expect(terminal.text(), `${name} ${args.join(' ')}`).not.toBe('');
          check(terminal.text());
        }
      }
    },
  );
});

test('names that complete a word are harmless, too', async () => {
  refuses = false;
  const { io, text } = aTerminal();
  const api = { list: answer([JOB]) } as never;
  await complete({ io, api: answer(api), status: 0 }, ['cron', 'get', '']);
  expect(text()).toContain('backup');
  expectHarmless(text().replaceAll('\t', ''));
});

test('and so is the line that shows the progress', async () => {
  vi.useFakeTimers();
  const { io, text } = aTerminal();
  const work = Promise.withResolvers<void>();
  const shown = withProgress(io, HOSTILE, work.promise);
  vi.advanceTimersByTime(1000);
  work.resolve();
  await shown;
  vi.useRealTimers();
  expect(text()).toContain('x ]0;title');
  expectHarmless(text());
});

test.each<['json' | 'yaml', (text: string) => unknown]>([
  ['json', (text) => JSON.parse(text) as unknown],
  ['yaml', (text) => parse(text) as unknown],
])(
  '%s has control characters as escape sequences, and programs read the same value',
  async (format, read) => {
    const value = { [HOSTILE]: [HOSTILE, 'Grüße, سلام\u200C‌ها 👩‍💻', 'a\nb\tc'], plain: 'a\u202Eb' };
    const text = await serialize(value, format);
    expectHarmless(text.replaceAll('\t', ''));
    expect(read(text)).toEqual(value);
  },
);
