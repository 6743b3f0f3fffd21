// The tree of commands. Only what is called is built; help, completion and the docs build it all.
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { addApply, addDelete } from './commands/apply.ts';
import { addCompletion } from './commands/completion.ts';
import { addController } from './commands/controller.ts';
import { addCron } from './commands/cron.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDoctor } from './commands/doctor.ts';
import { addRunner } from './commands/runner.ts';
import { addVersion } from './commands/version.ts';
import { paintFor } from './output/print.ts';

type AddCommands = (program: Command, context: Context, verb?: string) => void;

// Imported at once: one file more to open costs more than the text of all commands. What is heavy (YAML,
// schemas, schedules, the store) is imported by the commands that need it.
const GROUPS: Record<string, AddCommands> = {
  cron: addCron,
  apply: addApply,
  delete: addDelete,
  daemon: addDaemon,
  controller: addController,
  runner: addRunner,
  doctor: addDoctor,
  completion: addCompletion,
  version: addVersion,
};

function root({ io }: Context): Command {
  const bold = (text: string) => paintFor(io.stdout)('head', text);
  return (
    new Command('lsh')
      .description('Scheduled commands that teams can trust: what ran, when, why not, and with what output.')
      .version(VERSION, '-V, --version', 'print the version')
      .helpOption('-h, --help', 'print help')
      .helpCommand(false)
      .exitOverride()
      .configureHelp({ styleTitle: bold, optionDescription: ({ description }) => description })
      // Errors are printed by the one place that prints errors.
      .configureOutput({
        writeOut: (text) => io.stdout.write(text),
        writeErr: (text) => io.stderr.write(text),
        outputError: () => {},
        getOutHelpWidth: () => io.stdout.columns ?? 100,
        getErrHelpWidth: () => io.stderr.columns ?? 100,
      })
  );
}

/** The program with what the first words of a call need of it, or whole where they name nothing. */
export function buildProgram(context: Context, [group, verb]: readonly string[] = []): Command {
  const program = root(context);
  const one = group !== undefined && Object.hasOwn(GROUPS, group) ? GROUPS[group] : undefined;
  for (const add of one ? [one] : Object.values(GROUPS)) add(program, context, verb);
  return program;
}
