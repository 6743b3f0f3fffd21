// The tree of commands. A call builds only its own command; help, completion and the docs build all of them.
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { addApply, addDelete } from './commands/apply.ts';
import { addCompletion } from './commands/completion.ts';
import { addController } from './commands/controller.ts';
import { addCron } from './commands/cron.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDoctor } from './commands/doctor.ts';
import { addKey } from './commands/key.ts';
import { addRunner } from './commands/runner.ts';
import { addDiff } from './commands/secrets/diff.ts';
import { addInit } from './commands/secrets/init.ts';
import { addPull } from './commands/secrets/pull.ts';
import { addPush } from './commands/secrets/push.ts';
import { addSecrets } from './commands/secrets.ts';
import { addSupabase } from './commands/supabase.ts';
import { addVersion } from './commands/version.ts';
import { paintFor, printText } from './output/print.ts';

type AddCommands = (program: Command, context: Context, verb?: string) => void;

// Imported statically: opening one more file costs more than parsing all commands. Commands import heavy modules
// (YAML, schemas, schedules, the store) when they run.
const GROUPS: Record<string, AddCommands> = {
  cron: addCron,
  apply: addApply,
  delete: addDelete,
  push: addPush,
  pull: addPull,
  diff: addDiff,
  secrets: addSecrets,
  key: addKey,
  init: addInit,
  daemon: addDaemon,
  controller: addController,
  runner: addRunner,
  supabase: addSupabase,
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
      // report() in failure.ts prints all errors.
      .configureOutput({
        writeOut: (text) => printText(io, text),
        writeErr: (text) => printText(io, text, 'stderr'),
        outputError: () => {},
        getOutHelpWidth: () => io.stdout.columns ?? 100,
        getErrHelpWidth: () => io.stderr.columns ?? 100,
      })
  );
}

/** The program with the command that the first words name, or with all commands if they name none. */
export function buildProgram(context: Context, [group, verb]: readonly string[] = []): Command {
  const program = root(context);
  const called = group !== undefined && Object.hasOwn(GROUPS, group) ? GROUPS[group] : undefined;
  for (const add of called ? [called] : Object.values(GROUPS)) add(program, context, verb);
  return program;
}
