// Once around all tests: before them the program that they start, and a temporary directory for all of them; after
// them the proof that neither a process nor a file of theirs is left.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a process that is ending may take, in milliseconds: none is there for long where nothing is wrong. */
const ENDING_MS = 30_000;

const PROGRAM = 'LSH_TEST_BUNDLE';
/** Each project of tests asks for it; the first one's is everyone's. */
const DONE = 'LSH_TEST_SET_UP';

export default function setup(): (() => Promise<void>) | undefined {
  if (process.env[DONE] !== undefined) return undefined;
  process.env[DONE] = 'true';
  const directory = mkdtempSync(join(tmpdir(), 'lsh-'));
  // Tests of a second user let that user in to their own directories.
  chmodSync(directory, 0o755);
  const program = makeProgram(directory);
  // The processes that run the tests inherit both.
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

/** Builds it, and copies it to where no other build changes it. */
function makeProgram(directory: string): string {
  execFileSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' });
  const program = join(directory, 'program');
  for (const part of ['dist', 'package.json']) cpSync(part, join(program, part), { recursive: true });
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

/** Living processes that run a test's program, or live in a test's home; elsewhere than on Linux none. */
function testProcesses(directory: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`);
      // What Vitest itself has started knows where the program is, too.
      const home = read(`/proc/${pid}/environ`).find(
        (variable) => variable.includes(`=${directory}/`) && !variable.startsWith(`${PROGRAM}=`),
      );
      if (home === undefined && !command.some((word) => word.startsWith(`${directory}/`))) return [];
      return [`  process ${pid}: ${command.join(' ').trim()} (${home ?? 'no home of a test'})`];
    });
}

/** Empty for a process that is gone, is a zombie, or is somebody else's. */
function read(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\0');
  } catch {
    return [];
  }
}
