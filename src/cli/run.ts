// Runs one command line and returns its exit status. Never ends the process.
import { CommanderError, type Command } from 'commander';
import type { JobApi } from '../contracts/job-api.ts';
import { ERRORS, EXIT, LshError } from '../core/errors.ts';
import type { Context } from './context.ts';
import { report, usage } from './failure.ts';
import { processIo, type Io } from './io.ts';
import { localApi } from './local-api.ts';
import { buildProgram } from './program.ts';

function contextFor(io: Io): Context {
  // Keyed by namespace: documents may name several.
  const apis = new Map<string, JobApi>();
  const connect = async (namespace?: string): Promise<JobApi> => {
    const { cluster } = context;
    if (!cluster) return localApi(io);
    const { connectTo } = await import('./cluster-api.ts');
    return (await connectTo({ ...cluster, namespace: cluster.namespace ?? namespace }, io)).jobs;
  };
  const context: Context = {
    io,
    api: async (namespace) => {
      const api = apis.get(namespace ?? '') ?? (await connect(namespace));
      apis.set(namespace ?? '', api);
      return api;
    },
    status: EXIT.ok,
  };
  return context;
}

/** The path of the command that the arguments name: `lsh cron add`. Stops at the first unknown word. */
function commandPath(program: Command, argv: readonly string[]): string {
  let command = program;
  const path = [program.name()];
  for (const word of argv) {
    const next = command.commands.find((child) => child.name() === word || child.aliases().includes(word));
    if (!next) break;
    command = next;
    path.push(next.name());
  }
  return path.join(' ');
}

/** `lsh delete` removes what a file defines; below these commands people expect the same word for one name. */
const HAS_REMOVE = / (cron|calendar|channel)$/;

/** Commands on several names, which often come from a list. */
const TAKES_A_LIST = / cron (remove|pause|resume)$/;

/** The message of commander as sentences: `Unknown command 'ad'. Did you mean add?` */
function usageFailure(error: CommanderError, path: string) {
  const [, message = '', suggestion] = /^(?:error: )?(.*?)\.?(?:\s*\((Did you mean .*)\))?$/s.exec(
    error.message,
  )!;
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  // xargs of GNU calls its command once for an empty list.
  const fromList = error.code === 'commander.missingArgument' && TAKES_A_LIST.test(path);
  const hint = `See \`${path} --help\`.${fromList ? ' `xargs -r` runs nothing for an empty list.' : ''}`;
  const isDelete = HAS_REMOVE.test(path) && message === "unknown command 'delete'";
  const meant = isDelete ? 'Did you mean remove?' : suggestion;
  return usage(meant === undefined ? sentence : `${sentence} ${meant}`, hint);
}

/** Gives a usage error without its own hint a hint at the help of its command. */
function withHelpHint(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof LshError) || error.code !== 'USAGE' || error.hint !== ERRORS.USAGE.hint)
    return error;
  return usage(error.message, `See \`${commandPath(program, argv)} --help\`.`);
}

/** Turns `lsh help cron add` and `lsh cron help add` into `lsh cron add --help`. */
function withHelpFlag(words: readonly string[]): readonly string[] {
  const at = words.slice(0, 2).indexOf('help');
  return at === -1 ? words : [...words.toSpliced(at, 1), '--help'];
}

/** Runs one command line (without `node` and the script). Returns the exit status. */
export async function run(words: readonly string[], io: Io = processIo): Promise<number> {
  const argv = withHelpFlag(words);
  const context = contextFor(io);
  if (argv[0] === '__complete') {
    const { complete } = await import('./completion/complete.ts');
    return complete(context, argv.slice(1));
  }
  const program = await buildProgram(context, argv);
  const failed = (error: unknown) => {
    const status = report(io, error);
    return context.failureStatus ?? status;
  };
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return context.status;
  } catch (error) {
    if (!(error instanceof CommanderError)) return failed(withHelpHint(error, program, argv));
    // commander has already printed the help: on request, or because the subcommand is missing.
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return EXIT.ok;
    if (error.code === 'commander.help') return EXIT.usage;
    return failed(usageFailure(error, commandPath(program, argv)));
  }
}
