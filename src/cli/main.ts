#!/usr/bin/env -S node --
// The "--" stops Node from reading --env-file, an option of ours, as its own.
// The program `lsh`, which the launcher starts. This file must run on an old Node, to report that it is too old; it
// imports everything else after that check. The only file that ends the process.
import { enableCompileCache, loadWhole } from '../processes/compile-cache.ts';
import { STAND_IN } from '../processes/launcher.ts';
import { saveMemory } from '../processes/save-memory.ts';
import { VERSION } from '../version.ts';

/** Set by scripts/build.ts, as JSON: the oldest Node that works, and the error for an older one. */
declare const __LSH_NODE__: string | undefined;
interface NodeNeeded {
  major: number;
  minor: number;
  message: string;
  hint: string;
  exit: number;
}

// Undefined when run from the sources: a Node that reads TypeScript is new enough.
const needed = typeof __LSH_NODE__ === 'string' ? (JSON.parse(__LSH_NODE__) as NodeNeeded) : undefined;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (needed && (major < needed.major || (major === needed.major && minor < needed.minor))) {
  const found = `only ${process.versions.node} (${process.execPath})`;
  const sentence = needed.message.replace('{found}', found);
  process.stderr.write(`error: ${sentence}\nhint: ${needed.hint}\n[NODE_MISSING]\n`);
  process.exit(needed.exit);
}

// A reader may close the pipe early (`lsh cron list | head -1`); that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  // The terminal is closed: HUP ends the process, and a daemon then stops in order.
  if (error.code === 'EIO') return;
  process.stderr.write(`error: lsh cannot write its output: ${error.message}\n`);
  process.exit(1);
});

const argv = process.argv.slice(2);
const isDaemon = argv.join(' ') === 'daemon run';
const isStandIn = argv[0] === STAND_IN;
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  if (isDaemon || isStandIn) saveMemory();
  enableCompileCache();
  const status = await statusOf(argv);
  // Exits after the last write, so that the error handler above sees its failure.
  process.stdout.write('', () => setImmediate(() => process.exit(status)));
}

async function statusOf(args: string[]): Promise<number> {
  if (args.join(' ') === 'daemon start') {
    const { daemonStart } = await loadWhole(() => import('./daemon-start.ts'));
    return daemonStart();
  }
  if (isDaemon) return (await import('./daemon-run.ts')).daemonRun();
  if (isStandIn) return (await import('../processes/stand-in.ts')).runStandIn(args[1] ?? '');
  const { run } = await loadWhole(() => import('./run.ts'));
  return run(args);
}
