// docs/cli.md, from the tree of commands.
import type { Command, Help, Option } from 'commander';
import { examplesOf } from '../../src/cli/define.ts';
import type { Io } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { EXIT } from '../../src/core/errors.ts';
import { GENERATED, table } from './markdown.ts';

/** The page as Markdown. */
export async function renderCliPage(): Promise<string> {
  const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, now: () => 0 };
  const context = { io, api: () => Promise.reject(new Error('no daemon here')), status: EXIT.ok };
  const program = await buildProgram(context, 'all');
  return `${GENERATED}

# The command line

Every command has \`--help\`. A command prints its answer on standard output, and its notes and errors on standard error.
\`-o json\` and \`-o yaml\` print documents for programs. [errors.md](errors.md) lists the error codes and exit statuses, [schedules.md](schedules.md) what a schedule may say.

The commands of \`lsh cron\`, and \`lsh apply\` and \`lsh delete\`, work the same on the local daemon and on a cluster:

${clusterOptions(program)}

${leaves(program).map(section).join('\n\n')}
`;
}

/** The options that the verbs of `lsh cron` share. */
function clusterOptions(program: Command): string {
  const cron = program.commands.find((command) => command.name() === 'cron')!;
  const help = cron.createHelp();
  return optionTable(help, help.visibleOptions(cron));
}

function optionTable(help: Help, options: readonly Option[]): string {
  const rows = options
    .filter((option) => option.long !== '--help')
    .map((option) => [`\`${help.optionTerm(option)}\``, help.optionDescription(option)]);
  return table(['option', 'meaning'], rows);
}

/** The commands that do something by themselves, in the order of the help. A mere group of commands has no example. */
function leaves(command: Command): Command[] {
  const children = command.commands.filter((child) => child.name() !== 'help');
  const own = children.length === 0 || examplesOf(command).length > 0 ? [command] : [];
  return [...own, ...children.flatMap(leaves)];
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function section(command: Command): string {
  const help = command.createHelp();
  const aliases = command.aliases().map((alias) => `\`${alias}\``);
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help');
  const examples = examplesOf(command).map(({ line, purpose }) => `# ${purpose}\n${line}`);
  return [
    `## ${pathOf(command)}`,
    command.description() + (aliases.length > 0 ? ` Also called ${aliases.join(', ')}.` : ''),
    `    ${help.commandUsage(command)}`,
    ...(options.length > 0 ? [optionTable(help, options)] : []),
    ...(examples.length > 0 ? [`\`\`\`sh\n${examples.join('\n')}\n\`\`\``] : []),
  ].join('\n\n');
}
