#!/usr/bin/env -S node --
// The "--" keeps Node from taking options of ours for its own: it looks for --env-file among all arguments.
// The bin `lsh`. This file alone must parse and run on a Node that is too old, to say so; everything else is
// imported once that is settled. The only place that ends the process.
import module from 'node:module';
import { homedir } from 'node:os';
import { VERSION } from '../version.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `error: lsh needs Node 22.19 or newer; this is Node ${process.versions.node}\n` +
      'hint: Install a current Node LTS from https://nodejs.org and try again.\n',
  );
  process.exit(1);
}

// A reader that has seen enough (`lsh cron list | head -1`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`error: The output could not be written: ${error.message}\n`);
  process.exit(1);
});

/**
 * The daemon waits far more than it computes: the memory of the optimizing compilers, and of a large space for
 * young objects, would stay with it for months and buy nothing that a run of it can show. Set from inside, because
 * as options of Node they would make it start without its snapshot.
 */
const SMALL_MEMORY = ['--no-opt', '--no-maglev', '--optimize-for-size', '--semi-space-growth-factor=1'];

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  // In the user's own cache and not in a shared temporary directory: it holds code that is going to be run.
  module.enableCompileCache?.(`${homedir()}/.cache/lsh/compile`);
  const status = await statusOf(argv);
  // Not at once: an error of the last write is told after this.
  process.stdout.write('', () => setImmediate(() => process.exit(status)));
}

async function statusOf(args: string[]): Promise<number> {
  if (args.join(' ') === 'daemon run') {
    const { setFlagsFromString } = await import('node:v8');
    for (const flag of SMALL_MEMORY) setFlagsFromString(flag);
    return (await import('./daemon-run.ts')).daemonRun();
  }
  return (await import('./run.ts')).run(args);
}
