// Twice the input takes at most 2.5 times the time, for every parser of texts and documents that other people write.
import { PassThrough } from 'node:stream';
import { describe, test } from 'vitest';
import { parseDocuments } from '../../src/cli/input/documents.ts';
import { readInstant } from '../../src/cli/input/instant.ts';
import { located } from '../../src/cli/input/located.ts';
import { readPlainScript } from '../../src/core/command-check/plain-script.ts';
import { jobNotFound } from '../../src/core/closest.ts';
import { parseDuration } from '../../src/core/duration.ts';
import { importCrontab } from '../../src/core/import/crontab.ts';
import { checkExpression } from '../../src/core/schedule/schedule.ts';
import { parseManifest } from '../../src/core/validate/validate.ts';
import { fromCronJob } from '../../src/kubernetes/objects/cron-job/cron-job.ts';
import { readOutcomes } from '../../src/kubernetes/objects/lsh-job-outcomes.ts';
import { documentOf, readLshJob, readRuns, type LshJob } from '../../src/kubernetes/objects/lsh-job.ts';
import { parseEnvelope } from '../../src/local/socket/request.ts';
import { variablesIn } from '../../src/runners/subprocess/command/child-env.ts';
import { MessageStream } from '../../src/runners/remote/message-stream.ts';
import { parseControllerMessage, parseRunnerMessage } from '../../src/runners/remote/protocol.ts';
import { expectLinearTime } from '../support/linear-time.ts';

/** Runs the parser, whose verdict does not matter here. */
function attempt(parse: () => unknown): void {
  try {
    parse();
  } catch {
    // A refusal.
  }
}

function repeated(part: string, size: number): string {
  return part.repeat(Math.ceil(size / part.length));
}

/** A mapping of `size` keys. */
function keys(size: number, value: unknown = 1): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: size }, (_, index) => [`key-${index}`, value]));
}

function list(size: number, entry: (index: number) => unknown): unknown[] {
  return Array.from({ length: size }, (_, index) => entry(index));
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { deeper: value };
  return value;
}

function texts(parse: (text: string) => unknown, size: number, parts: readonly string[]): void {
  test.each(parts)('%j', async (part) => {
    const run = (text: string) => attempt(() => parse(text));
    await expectLinearTime({ what: part, input: (length) => repeated(part, length), run, size });
  });
}

function values(
  parse: (value: unknown) => unknown,
  size: number,
  cases: Record<string, (size: number) => unknown>,
): void {
  test.each(Object.entries(cases))('%s', async (what, input) => {
    await expectLinearTime({ what, input, run: (value) => attempt(() => parse(value)), size });
  });
}

const spec = (fields: object) => ({
  apiVersion: 'lsh.dev/v1alpha1',
  kind: 'LshJob',
  metadata: { name: 'a' },
  spec: { schedule: '* * * * *', command: 'true', ...fields },
});

describe('a manifest', () => {
  values((value) => parseManifest(value, 'local'), 2000, {
    'unknown fields': (size) => spec(keys(size)),
    'unknown fields at its top': (size) => ({ ...spec({}), ...keys(size) }),
    'unknown fields of the metadata': (size) => ({ ...spec({}), metadata: { name: 'a', ...keys(size) } }),
    'labels that are no texts': (size) => ({ ...spec({}), metadata: { name: 'a', labels: keys(size) } }),
    'unknown fields in a list': (size) => spec({ env: list(size, () => ({ named: 'a' })) }),
    'variables of the same name': (size) => spec({ env: list(size, () => ({ name: 'A', value: '1' })) }),
    'variables without a value': (size) => spec({ env: list(size, (index) => ({ name: `A${index}` })) }),
    'variables of the wrong type': (size) => spec({ env: list(size, (index) => index) }),
    'invalid names of variables': (size) =>
      spec({ env: list(size, (index) => ({ name: `${index}`, value: '' })) }),
    schedules: (size) =>
      spec({ schedule: undefined, schedules: list(size, (index) => `${index % 60} * * * *`) }),
    'invalid schedules': (size) => spec({ schedule: undefined, schedules: list(size, () => 'x') }),
    'exit codes': (size) =>
      spec({
        retry: {
          onExitCodes: list(size, (index) => index % 256),
          notOnExitCodes: list(size, (index) => index % 256),
        },
      }),
    'NUL characters': (size) => spec({ args: list(size, () => '\0') }),
    levels: (size) => spec({ job: nested(Math.min(size, 3000)) }),
    'a long command': (size) => spec({ command: repeated('a b ', size) }),
    'a long text': (size) => spec({ description: repeated('a\n', size) }),
    'a pod template': (size) =>
      spec({ executor: 'Job', job: { podTemplate: { spec: keys(size, { a: 1 }) } } }),
  });
});

describe('a file of documents', () => {
  const parse = (text: string) => {
    for (const document of parseDocuments(text, 'file')) attempt(() => document.where('spec.env[0].name'));
  };
  texts(parse, 20_000, [
    'a: 1\n',
    '- 1\n',
    '- a: 1\n',
    '[',
    '{',
    '[1,',
    '{a: 1,',
    '{a: ',
    'a: [1, 2]\n',
    '---\na: 1\n',
    '---\n',
    '# x\n',
    ' ',
    '\n',
    '\t',
    'a ',
    'a\n',
    '"a" ',
    '"',
    "'",
    '\\',
    '"\\u0041',
    '- |\n  a\n',
    '|\n a\n',
    '? a\n',
    ': ',
    '&a ',
    '*a ',
    '- &a b\n- *a\n',
    '!a ',
    '%YAML 1.2\n',
    ' a:\n',
    'a: b: c\n',
    '}',
    ']',
    '@',
    '<<: {a: 1}\n',
    'é: ',
    '\u2028',
  ]);

  values((text) => parse(text as string), 2000, {
    'different keys': (size) => list(size, (index) => `key-${index}: 1`).join('\n'),
    'different keys of a flow': (size) => `{${list(size, (index) => `key-${index}: 1`).join(', ')}}`,
    JSON: (size) => JSON.stringify(keys(size)),
    'keys of two documents': (size) =>
      JSON.stringify(keys(size)).concat('\n---\n', JSON.stringify(keys(size))),
    // The indentation makes the text as long as the square of its lines.
    'a nested block': (size) =>
      list(Math.min(Math.sqrt(2 * size), 1000), (index) => `${' '.repeat(index)}a:`).join('\n'),
    'documents of a list': (size) => JSON.stringify({ kind: 'List', items: list(size, () => ({ a: 1 })) }),
    anchors: (size) => list(size, (index) => `- &a${index} b\n- *a${index}`).join('\n'),
  });

  test('with the positions of its problems', async () => {
    const input = (size: number) => `spec:\n${list(size, (index) => `  key-${index}: 1\n`).join('')}`;
    const run = (text: string) => {
      const [document] = parseDocuments(text, 'file');
      try {
        parseManifest(document!.value, 'local');
      } catch (error) {
        located(document!, error);
      }
    };
    await expectLinearTime({ what: 'positions', input, run, size: 2000 });
  });
});

describe('a crontab', () => {
  texts((text) => importCrontab(text), 20_000, [
    '* * * * * a\n',
    '* * * * * /usr/bin/backup --all\n',
    '# a\n',
    '#',
    '# a\n* * * * * b\n',
    'A=1\n',
    'A=1',
    'A="1\n',
    'PATH=$PATH:/x\n* * * * * b\n',
    '@daily x\n',
    'x\n',
    '* ',
    '*',
    '0,',
    '1-2,',
    '*/5 ',
    ' ',
    '\n',
    '%',
    '* * * * * a%b\n',
    '* * * * * a\\%\n',
    '"',
    "'",
    'a b c d e f\n',
    '7 5 a.daily run\n',
    '#* * * * * a\n',
    '* * * * * root a\n',
    '= ',
    '* * * * * cd /a && ',
    '* * * * * a >',
    '* * * * * a/',
    '* * * * * [ -x /a ] && ',
  ]);

  values((text) => importCrontab(text as string), 500, {
    'jobs with names of their own': (size) =>
      list(size, (index) => `${index % 60} * * * * run-${index}`).join('\n'),
    'one long command': (size) => `* * * * * ${repeated('a ', size)}`,
    'one long quoted command': (size) => `* * * * * "${repeated('a%', size)}"`,
    'one long schedule': (size) => `${repeated('1,', size)}2 * * * * a`,
  });
});

describe('a CronJob', () => {
  const cronJob = (containers: unknown, more: object = {}, outer: object = {}) => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'a', ...outer },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: { containers, ...more } } } } },
  });
  const container = { name: 'c', image: 'i', command: ['true'] };
  values((value) => fromCronJob(value), 1000, {
    variables: (size) =>
      cronJob([{ ...container, env: list(size, (index) => ({ name: `A${index}`, value: 'x' })) }]),
    'variables that refer to others': (size) =>
      cronJob([
        {
          ...container,
          env: list(size, (index) => ({ name: `A${index}`, value: `$(A${index - 1})` })),
        },
      ]),
    containers: (size) => cronJob(list(size, () => container)),
    arguments: (size) => cronJob([{ ...container, args: list(size, (index) => `$(A) ${index}`) }]),
    'unknown fields': (size) => cronJob([container], keys(size)),
    labels: (size) => cronJob([container], {}, { labels: keys(size, 'x') }),
    'a long argument': (size) => cronJob([{ ...container, args: [repeated('$(A)', size)] }]),
    'a long command': (size) =>
      cronJob([{ ...container, command: ['/bin/sh', '-c', repeated('a b;', size)] }]),
  });
});

describe('a schedule', () => {
  texts(checkExpression, 20_000, [
    '0,',
    '1-2,',
    '*/2,',
    '* ',
    '*',
    'H,',
    'H(0-29)/10,',
    '~',
    'L',
    'MON,',
    '#',
    '@',
    '@every 1s',
    'TZ=',
    ' ',
    '-',
    '?',
    '0 ',
    'JAN-',
  ]);
});

describe('an instant', () => {
  const read = (text: string) => readInstant(text, { flag: '--at', now: 0, towards: 'past' });
  texts(read, 20_000, [' ', 'a ', '1 ', 'in ', '1 weeks ', '2026-']);
});

describe('a duration', () => {
  texts(parseDuration, 20_000, ['1', '1h', ' ', '1.', 'h', '1h ', 'P']);
});

describe('a script under an allow-list', () => {
  texts(readPlainScript, 60_000, [
    'listed $(listed a) "b$C" \\\n && ',
    '( ',
    "$'",
    'for x in y; do ',
    '# x',
    '${X:-$A',
    '$\\\n',
    "'a'",
  ]);
});

describe('an env file', () => {
  texts((text) => variablesIn(text, 'file'), 20_000, [
    'A=1\n',
    'A="',
    "A='",
    'A=`',
    'A ',
    'A=1 ',
    '#',
    'A=\n',
    '\n',
    `${'\n'.repeat(90)}A=1\n`,
    ' ',
    '"',
    'export ',
    'A="1\n',
    'A: ',
  ]);
});

describe('a body on the socket', () => {
  values((body) => parseEnvelope(Buffer.from(body as string)), 2000, {
    'with many fields': (size) => JSON.stringify(keys(size)),
    'with many levels': (size) => repeated('{"a":', size),
    'with a long text': (size) => JSON.stringify({ payload: repeated('\u0001', size) }),
  });
});

describe('the status of an LshJob', () => {
  const at = '2026-01-01T00:00:00Z';
  const run = (index: number) => ({
    name: `a-${index}`,
    slot: at,
    trigger: 'Schedule',
    attempt: 1,
    executor: 'Job',
    phase: 'Running',
    createdAt: at,
  });
  const lshJob = (status: object) =>
    ({
      ...spec({}),
      metadata: {
        name: 'a',
        namespace: 'default',
        uid: 'u',
        creationTimestamp: at,
        generation: 1,
        resourceVersion: '1',
      },
      status: { accountedUntil: at, ...status },
    }) as unknown as LshJob;
  const read = (value: unknown) => {
    const object = value as LshJob;
    readLshJob(object);
    readRuns(object);
    readOutcomes(object.status?.recentOutcomes ?? []);
    documentOf(object);
  };
  values(read, 500, {
    'with many runs': (size) => lshJob({ active: list(size, (index) => run(index)), recentRuns: [] }),
    'with many runs of one name': (size) =>
      lshJob({ active: list(size, () => run(1)), recentRuns: list(size, () => run(1)) }),
    'with many outcomes': (size) =>
      lshJob({ recentOutcomes: list(size, () => ({ slot: at, outcome: 'Missed', count: 3, until: at })) }),
    'with many conditions': (size) =>
      lshJob({ conditions: list(size, () => ({ type: 'Ready', status: 'True', lastTransitionTime: at })) }),
  });
});

describe('a message between controller and runner', () => {
  const given = (index: number) => ({ nonce: 'n'.repeat(22), name: `default.a-${index}`, job: 'default/a' });
  values(parseControllerMessage, 8000, {
    'with many runs': (size) => ({
      type: 'recover',
      runs: list(size, (index) => given(index)),
      logs: list(size, (index) => `default.a-${index}`),
    }),
    'with an unknown job': (size) => ({
      type: 'start',
      id: 1,
      job: { name: 'a', spec: keys(size) },
      run: given(1),
    }),
  });
  values(parseRunnerMessage, 8000, {
    'with unknown fields': (size) => ({
      type: 'observed',
      nonce: 'n'.repeat(22),
      observation: { state: 'Running', name: 'a', startedAt: 1, ...keys(size) },
    }),
  });

  test('in pieces', async () => {
    const run = async (size: number) => {
      const socket = new PassThrough();
      const { promise, resolve } = Promise.withResolvers<void>();
      const stream = new MessageStream(
        {
          socket,
          heartbeatMs: 60_000,
          onData: () => undefined,
          onMessage: () => resolve(),
          onClose: () => undefined,
        },
        Buffer.alloc(0),
      );
      socket.write('"');
      for (let piece = 0; piece < size; piece++) socket.write('xx');
      socket.write('"\n');
      await promise;
      stream.destroy();
    };
    await expectLinearTime({ what: 'pieces', input: (size) => size, run, size: 2000 });
  });
});

describe('a suggestion', () => {
  test('of one of many names', async () => {
    const input = (size: number) => list(size, (index) => `backup-${index}`) as string[];
    await expectLinearTime({
      what: 'names',
      input,
      run: (names) => jobNotFound('bakcup', names),
      size: 1000,
    });
  });
});
