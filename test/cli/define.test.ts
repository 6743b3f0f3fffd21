import { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { addOptions, repeatable, type OptionDefinition, type Wanted } from '../../src/cli/define.ts';

const DEFINITIONS: readonly OptionDefinition[] = [
  ['-s, --schedule <expr>', 'repeatable', repeatable],
  ['-c, --command <line>', 'with a value'],
  ['--tz <zone>', 'with a value'],
  ['--suspend', 'without a value'],
  new Option('-o, --output <format>', 'an option of its own'),
];

/** `add` below `cron`, each with an option of its own, and the options that the words need. */
function anAdd(words: Wanted): Command {
  const cron = new Command('cron').option('--cluster');
  const add = cron.command('add').argument('[program...]').option('-n, --name <name>').exitOverride();
  return addOptions(add.configureOutput({ outputError: () => {} }), DEFINITIONS, words);
}

const ALL = ['--schedule', '--command', '--tz', '--suspend', '--output'];

function added(words: Wanted): (string | undefined)[] {
  return anAdd(words)
    .options.map(({ long }) => long)
    .filter((long) => long !== '--name');
}

describe('a command has those options of a table', () => {
  test.each<[Wanted, string[]]>([
    ['all', ALL],
    ['none', ALL],
    [[], []],
    [
      ['--tz', 'UTC', '-s', '@daily'],
      ['--tz', '--schedule'],
    ],
    [
      ['--command=a=b', '-s', '1', '-s', '2'],
      ['--command', '--schedule'],
    ],
    [['-o', 'json'], ['--output']],
    [['-n', 'a', '--cluster', '--suspend'], ['--suspend']],
    [['--tz', 'UTC', '--', 'pg_dump', '-f', '--suspend'], ['--tz']],
    [['--suspend', '--help'], ALL],
    [['--tzz', 'UTC'], ALL],
    [['-s@daily'], ALL],
    [['--command', '-'], ALL],
  ])('that %j need: %j', (words, options) => {
    expect(added(words)).toEqual(options);
  });

  test.each([
    [['-s', '@daily', '-s@hourly', '-ctrue', 'program']],
    [['--command', '--', '--tz', 'UTC']],
    [['--command', '--suspend', '--', '-x', '--suspend']],
    [['--suspend', '--', '--tz', 'UTC']],
  ])('%j has the same meaning with and without the others', (words) => {
    const [few, all] = [anAdd(words), anAdd('all')].map((add) => add.parse(words, { from: 'user' }));
    expect(few!.opts()).toEqual(all!.opts());
    expect(few!.args).toEqual(all!.args);
  });
});
