// Runs once around all tests: builds the program that they start, and makes a temporary directory for all; afterwards
// checks that the tests left neither a process nor a file.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How long an ending process may take, in milliseconds; in a passing run none takes that long. */
const ENDING_MS = 30_000;

const PROGRAM = 'LSH_TEST_BUNDLE';
/** Each project calls the setup; the first call serves all. */
const DONE = 'LSH_TEST_SET_UP';

export default function setup(): (() => Promise<void>) | undefined {
  if (process.env[DONE] !== undefined) return undefined;
  process.env[DONE] = 'true';
  const directory = mkdtempSync(join(tmpdir(), 'lsh-'));
  // Tests with a second user let that user enter their directories.
  chmodSync(directory, 0o755);
  const program = makeProgram(directory);
  // Vitest's worker processes inherit both.
  process.env['TMPDIR'] = directory;
  process.env[PROGRAM] = join(program, 'dist/lsh.js');
  return async () => {
    const processes = await leftProcesses(directory);
    rmSync(program, { recursive: true });
    const files = readdirSync(directory, { recursive: true }).map((path) => `  ${String(path)}`);
    rmSync(directory, { recursive: true });
    const left = [...processes, ...files];
    if (left.length > 0) throw new Error(`the tests left behind:\n${left.join('\n')}`);
  };
}

/** Builds the program, and copies it, so that a later build does not change it. Its launcher finds our Node. */
function makeProgram(directory: string): string {
  execFileSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' });
  const program = join(directory, 'program');
  for (const part of ['dist', 'package.json']) cpSync(part, join(program, part), { recursive: true });
  mkdirSync(join(program, 'node_modules'));
  const ourNode = dirname(dirname(process.execPath));
  symlinkSync(ourNode, join(program, `node_modules/node-${process.platform}-${process.arch}`));
  return program;
}

async function leftProcesses(directory: string): Promise<string[]> {
  const deadline = Date.now() + ENDING_MS;
  for (;;) {
    const left = testProcesses(directory);
    if (left.length === 0 || Date.now() > deadline) return left;
    await delay(50);
  }
}

/** Living processes that run a test's program, or have a test's directory in their environment; empty outside Linux. */
function testProcesses(directory: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`);
      // Vitest's own processes also have the program's path in their environment.
      const home = read(`/proc/${pid}/environ`).find(
        (variable) => variable.includes(`=${directory}/`) && !variable.startsWith(`${PROGRAM}=`),
      );
      if (home === undefined && !command.some((word) => word.startsWith(`${directory}/`))) return [];
      return [`  process ${pid}: ${command.join(' ').trim()} (${home ?? 'no home of a test'})`];
    });
}

/** Empty for an ended process, a zombie, and a process of another user. */
function read(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\0');
  } catch {
    return [];
  }
}
