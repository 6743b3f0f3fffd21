// Compiles the fork server for the platform that builds: a static program, so that it needs no C library. musl's
// compiler comes first: its license lets everyone distribute the result, and the program is a tenth of the size.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = 'src/runners/subprocess/launch/fork-server.c';
const COMPILERS = ['musl-gcc', 'cc'];
const FLAGS = ['-std=c11', '-static', '-Os', '-s', '-Wall', '-Wextra', '-Werror'];

/** Writes the program into the directory. Without a compiler it says so: a shell then starts each command. */
export function buildForkServer(directory: string): void {
  if (process.platform !== 'linux') return;
  mkdirSync(directory, { recursive: true });
  const program = join(directory, `fork-server-${process.platform}-${process.arch}`);
  const chosen = process.env['CC'];
  for (const compiler of chosen ? [chosen] : COMPILERS) {
    const { error, status } = spawnSync(compiler, [...FLAGS, '-o', program, SOURCE], { stdio: 'inherit' });
    if (error && 'code' in error && error.code === 'ENOENT') continue;
    if (status !== 0) throw new Error(`${compiler} cannot compile ${SOURCE}`, { cause: error });
    return;
  }
  console.warn(
    'No C compiler (musl-gcc, cc): this build starts each command with a shell, which costs more CPU.',
  );
}

if (import.meta.main) buildForkServer(process.argv[2] ?? 'dist/libexec');
