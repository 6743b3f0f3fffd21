// `lsh channel list`: the channels, and what waits for them.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { print, printDocument, printTable } from '../../output/print.ts';
import { askDaemon } from './daemon.ts';

async function list(context: Context, { output }: { output?: Format }): Promise<void> {
  const { io } = context;
  const { ownChannels, targetOf } = await import('../../../processes/notices/channels.ts');
  const channels = ownChannels();
  const standings = new Map((await askDaemon(context))?.map((one) => [one.channel, one]));
  const names = [...new Set([...channels.keys(), ...standings.keys()])].sort();
  const rows = names.map((name) => {
    const channel = channels.get(name);
    const { waiting = 0, dead = 0, trouble, why } = standings.get(name) ?? {};
    const problem = channel === undefined ? `there is no channel ${name}` : (trouble ?? why);
    return {
      name,
      kind: channel?.kind ?? '-',
      target: channel === undefined ? '-' : targetOf(name, channel),
      waiting,
      dead,
      ...(problem !== undefined && { problem }),
    };
  });
  if (isDocumentFormat(output)) return printDocument(io, rows, output);
  if (rows.length === 0) return print(io, 'No channels yet. Add one with `lsh channel add NAME --kind …`.');
  printTable(
    io,
    ['NAME', 'KIND', 'TARGET', 'WAITING', 'DEAD', 'PROBLEM'],
    rows.map(({ name, kind, target, waiting, dead, problem = '' }) => [
      name,
      kind,
      target,
      String(waiting),
      dead === 0 ? '0' : { text: String(dead), style: 'bad' },
      problem,
    ]),
  );
}

export function addChannelList(channel: Command, context: Context): void {
  const command = channel
    .command('list')
    .description(
      'List the channels without their secrets, the notices that wait for each, and its dead letters: notices that it did not take.',
    )
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { output?: Format }) => list(context, flags));
  withExamples(command, ['lsh channel list', 'Which channels there are, and whether they work']);
}
