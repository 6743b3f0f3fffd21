// The tree of commands. A call loads only its own command, help and completion one level, the docs the whole tree.
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { addCommands, type Commands, type Wanted } from './define.ts';
import { paintFor, printText } from './output/print.ts';

const GROUPS: Commands = {
  cron: async () => (await import('./commands/cron.ts')).addCron,
  apply: async () => (await import('./commands/apply.ts')).addApply,
  delete: async () => (await import('./commands/apply.ts')).addDelete,
  push: async () => (await import('./commands/secrets/push.ts')).addPush,
  pull: async () => (await import('./commands/secrets/pull.ts')).addPull,
  diff: async () => (await import('./commands/secrets/diff.ts')).addDiff,
  secrets: async () => (await import('./commands/secrets.ts')).addSecrets,
  key: async () => (await import('./commands/key.ts')).addKey,
  init: async () => (await import('./commands/secrets/init.ts')).addInit,
  calendar: async () => (await import('./commands/calendar.ts')).addCalendar,
  channel: async () => (await import('./commands/channel.ts')).addChannel,
  daemon: async () => (await import('./commands/daemon.ts')).addDaemon,
  controller: async () => (await import('./commands/controller.ts')).addController,
  runner: async () => (await import('./commands/runner.ts')).addRunner,
  supabase: async () => (await import('./commands/supabase.ts')).addSupabase,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  completion: async () => (await import('./commands/completion.ts')).addCompletion,
  version: async () => (await import('./commands/version.ts')).addVersion,
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

/** The program with the wanted commands. */
export async function buildProgram(context: Context, wanted: Wanted): Promise<Command> {
  const program = root(context);
  await addCommands(program, context, GROUPS, wanted);
  return program;
}
