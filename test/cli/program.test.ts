import type { Command } from 'commander';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { complete } from '../../src/cli/completion/complete.ts';
import type { Context } from '../../src/cli/context.ts';
import { examplesOf } from '../../src/cli/define.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { run } from '../../src/cli/run.ts';
import { LshError } from '../../src/core/errors.ts';

const NOW = Date.UTC(2026, 10, 25, 12);

function streams() {
  return { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), now: () => NOW };
}

const read = (stream: PassThrough) => ((stream.read() as Buffer | null) ?? '').toString();

function aContext(api: Context['api'] = () => Promise.reject(new LshError('DAEMON_NOT_RUNNING'))) {
  const io = streams();
  return { io, context: { io, api, status: 0 } satisfies Context };
}

async function called(...argv: string[]) {
  const io = streams();
  const status = await run(argv, io);
  return { status, stdout: read(io.stdout), stderr: read(io.stderr) };
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

const COMMANDS = leaves(await buildProgram(aContext().context, 'all'));

describe('help', () => {
  test.each(COMMANDS.map((command) => [`${command.parent?.name()} ${command.name()}`, command] as const))(
    '%s ends with examples that call it',
    (_path, command) => {
      const examples = examplesOf(command);
      expect(examples.length).toBeGreaterThan(0);
      for (const { line } of examples) expect(line).toContain(command.name());
    },
  );

  test('is an answer on request, and a usage error if a verb is missing', async () => {
    const asked = await called('cron', 'add', '--help');
    expect(asked).toMatchObject({ status: 0, stderr: '' });
    expect(asked.stdout).toContain('Examples:\n');
    expect(await called('cron')).toMatchObject({ status: 2, stdout: '' });
  });

  test('every option with a list of values names the list', () => {
    for (const command of COMMANDS) {
      const output = command.options.find(({ long }) => long === '--output');
      expect(output?.flags ?? '-o <a|b>').toMatch(/<[a-z|]+>/);
    }
  });

  test.each([
    [['help'], ['--help']],
    [
      ['help', 'cron', 'add'],
      ['cron', 'add', '--help'],
    ],
    [
      ['cron', 'help', 'add'],
      ['cron', 'add', '--help'],
    ],
  ])('%j is the same as %j', async (words, flag) => {
    expect(await called(...words)).toEqual(await called(...flag));
  });
});

describe('usage errors', () => {
  test.each([
    [['cron', 'addd'], "Unknown command 'addd'", '`lsh cron --help`'],
    [['cron', 'list', '--bogus'], "Unknown option '--bogus'", '`lsh cron list --help`'],
    [['cron', 'add', '-s', '@daily'], "'-n, --name <name>' not specified", '`lsh cron add --help`'],
    [['cron', 'list', '-o', 'xml'], 'Allowed choices are table, wide, json', '`lsh cron list --help`'],
    [
      ['cron', 'add', '-n', 'x', '-s', '0', '2', '*', '*', '0'],
      'Unexpected argument "2"',
      'Put quotes around',
    ],
    [['cron', 'history', '-n', '0'], '-n needs a number from 1', '`lsh cron history --help`'],
    [['cron', 'report', 'x', '--all'], 'Give a name or --all', '`lsh cron report --help`'],
    [
      ['cron', 'history', '--since', 'soon'],
      '--since needs a time, not "soon"',
      'Give an instant such as yesterday',
    ],
    [['cron', 'import'], 'Say what to import', '`lsh cron import --help`'],
    [['nonsense'], "Unknown command 'nonsense'.\n", '`lsh --help`'],
    [['cron', 'addd'], "Unknown command 'addd'. Did you mean add?\n", '`lsh cron --help`'],
    [['cron', 'delete', 'a'], "Unknown command 'delete'. Did you mean remove?\n", '`lsh cron --help`'],
    [
      ['cron', 'list', '--tga', 'x'],
      "Unknown option '--tga'. Did you mean --tag?\n",
      '`lsh cron list --help`',
    ],
    [
      ['cron', 'add', '-n', 'x', '-s', '@daily', '--retires', '3'],
      "Unknown option '--retires'. Did you mean --retries?\n",
      '`lsh cron add --help`',
    ],
  ])('%j ends with status 2, a sentence and a hint', async (argv, sentence, hint) => {
    const { status, stdout, stderr } = await called(...argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: [^]*\nhint: .*\n\[USAGE\]\n$/);
    expect(stderr).toContain(sentence);
    expect(stderr).toContain(hint);
  });
});

describe('expressions need no daemon', () => {
  test('next shows slots in the zone', async () => {
    const { status, stdout } = await called(
      'cron',
      'next',
      '0 2 * * 0',
      '--tz',
      'America/New_York',
      '-n',
      '2',
    );
    expect(status).toBe(0);
    expect(stdout).toBe('Sun 2026-11-29 02:00  in 4 days\nSun 2026-12-06 02:00  in 11 days\n');
  });

  test('next --explain notes a clock change', async () => {
    const { stdout } = await called(
      'cron',
      'next',
      '30 2 * * *',
      '--tz',
      'America/New_York',
      '--explain',
      '--from',
      '2027-03-14T00:00:00Z',
      '-n',
      '1',
    );
    expect(stdout).toMatch(
      /^Sun 2027-03-14 03:00 .*UTC-04:00 {2}02:30 does not exist on this day; runs at 03:00$/m,
    );
  });

  test('next and validate say that H depends on the name, and show the same times', async () => {
    const next = await called('cron', 'next', 'H H * * *', '--tz', 'UTC', '-n', '3');
    const checked = await called('cron', 'validate', 'H H * * *', '--tz', 'UTC');
    const times = ({ stdout }: { stdout: string }) => stdout.match(/\d\d:\d\d/g);
    expect(times(next)).toEqual(times(checked));
    for (const text of [next.stderr, checked.stdout]) {
      expect(text).toContain(
        'note: The times depend on the job’s name, by H or ~; these are the times of local/example.',
      );
      expect(text).toContain('Give --name NAME for another job.');
    }
    const named = await called('cron', 'validate', 'H H * * *', '--tz', 'UTC', '--name', 'backup');
    expect(named.stdout).not.toContain('note:');
    expect(named.stdout).toContain('03:41');
    expect((await called('cron', 'next', 'H H * * *', '--tz', 'UTC', '--name', 'backup')).stdout).toContain(
      '03:41',
    );
    expect((await called('cron', 'next', '0 0 * * THU', '--tz', 'UTC')).stderr).toBe('');
  });

  test('validate, and next with --explain, print one note for each surprise', async () => {
    const zone = ['--tz', 'America/New_York'];
    const checked = await called('cron', 'validate', '*/90 2 13 * FRI', ...zone);
    expect(checked.stdout.match(/^note: .*$/gm)).toEqual([
      'note: "*/90" in the minute field is 0 alone: the step goes past the end. Write `@every 90m` for each 90 minutes.',
      'note: The job is due on days that match "13" or "FRI", as in cron. Write `+FRI` to require both.',
    ]);
    const explained = await called('cron', 'next', '30 2/24 * * *', ...zone, '--explain');
    expect(explained.stdout).toContain('note: "2/24" in the hour field is 2 alone');
    expect(explained.stdout).toContain('note: 2027-03-14: 02:30 does not exist; runs at 03:00');
    expect((await called('cron', 'next', '30 2/24 * * *', ...zone)).stdout).not.toContain('note:');
  });

  test('--name goes with an expression, not with a job', async () => {
    const refused = await called('cron', 'next', 'backup', '--name', 'other');
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('Leave --name out');
  });

  test('validate checks an expression', async () => {
    expect(await called('cron', 'validate', '@daily')).toMatchObject({ status: 0, stderr: '' });
    const bad = await called('cron', 'validate', '0 2 * *');
    expect(bad).toMatchObject({ status: 2, stdout: '' });
    expect(bad.stderr).toContain('[SCHEDULE_INVALID]');
  });
});

describe('completion', () => {
  async function candidates(words: string[], api?: Context['api']): Promise<string[]> {
    const { io, context } = aContext(api);
    expect(await complete(context, words)).toBe(0);
    return read(io.stdout)
      .split('\n')
      .flatMap((line) => line.split('\t')[0] || []);
  }

  const jobs =
    (...names: string[]): Context['api'] =>
    () =>
      Promise.resolve({
        list: () => Promise.resolve(names.map((name) => ({ metadata: { name }, spec: {} }))),
      } as never);

  test('offers subcommands with the prefix of the word', async () => {
    expect(await candidates(['cron', 're'])).toEqual(['report', 'resume', 'remove']);
    expect(await candidates(['d'])).toEqual(['delete', 'diff', 'daemon', 'doctor']);
  });

  test('offers options, and the values of an option with a list', async () => {
    expect(await candidates(['cron', 'add', '--retry-'])).toEqual([
      '--retry-delay',
      '--retry-factor',
      '--retry-max-delay',
      '--retry-jitter',
      '--retry-on',
      '--retry-disruptions',
    ]);
    expect(await candidates(['cron', 'list', '-o', ''])).toEqual(['table', 'wide', 'json', 'yaml', 'name']);
    expect(await candidates(['completion', ''])).toEqual(['bash', 'zsh', 'fish']);
    expect(await candidates(['cron', 'add', '--concurrency', ''])).toEqual([
      'forbid',
      'allow',
      'replace',
      'queue',
    ]);
    expect(await candidates(['cron', 'next', '--tz', 'Europe/Berl'])).toEqual(['Europe/Berlin']);
  });

  test('offers names of jobs for a job argument, each once', async () => {
    const api = jobs('backup', 'ping', 'rotate');
    expect(await candidates(['cron', 'trigger', '--wait', ''], api)).toEqual(['backup', 'ping', 'rotate']);
    expect(await candidates(['cron', 'pause', 'ping', ''], api)).toEqual(['backup', 'rotate']);
    expect(await candidates(['cron', 'history', '-n', '5', 'b'], api)).toEqual(['backup']);
    expect(await candidates(['cron', 'trigger', 'ping', ''], api)).toEqual([]);
  });

  test('without a daemon there are no names, and no error', async () => {
    expect(await candidates(['cron', 'trigger', ''])).toEqual([]);
  });

  test('offers nothing after -f, so that the shell offers files', async () => {
    expect(await candidates(['apply', '-f', ''])).toEqual([]);
  });
});
