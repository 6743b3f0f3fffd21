// Keeps env files out of git: asks git about a file, and adds lines to .gitignore.
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readText } from '../../../secrets/local/private-file.ts';
import { projectOf } from '../../../secrets/local/project.ts';

/** What .gitignore needs: env files and their backups, but not the examples of a project. */
const LINES = ['.env', '.env.*', '!.env.example', '!.env.sample', '!.env.template'];

/** What git does that would publish a file. */
export type Leak = 'tracks' | 'does not ignore';

/** Undefined if the file is safe, outside a repository, or git is missing. */
export function leakOf(path: string): Leak | undefined {
  const { isGit, root } = projectOf(dirname(path));
  if (!isGit) return undefined;
  const git = (...args: string[]) =>
    spawnSync('git', ['-C', root, ...args, '--', path], { stdio: 'ignore', timeout: 5000 }).status;
  if (isNamedIn(join(root, '.gitignore'), path) || git('check-ignore', '-q') !== 1) return undefined;
  return git('ls-files', '--error-unmatch') === 0 ? 'tracks' : 'does not ignore';
}

/** Spares two calls of git in the usual case. A tracked file is the project's own decision of an earlier day. */
function isNamedIn(ignoreFile: string, path: string): boolean {
  const lines = (readText(ignoreFile) ?? '').split(/\r?\n/);
  const name = basename(path);
  return lines.includes(name) || (name !== '.env' && lines.includes('.env.*'));
}

/** Adds the missing lines to the project's .gitignore. Returns its path, or undefined if it has them all. */
export function ignoreEnvFiles(root: string): string | undefined {
  const path = join(root, '.gitignore');
  const text = readText(path) ?? '';
  const known = new Set(text.split(/\r?\n/));
  const missing = LINES.filter((line) => !known.has(line));
  if (known.has('.env') && known.has('.env.*')) return undefined;
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  appendFileSync(path, `${separator}${missing.join('\n')}\n`);
  return path;
}
