// What a command needs before it can start: its working directory and its shell. The user learns of a problem when the
// job is added, and again in each run that fails by it.
import { constants, accessSync, statSync } from 'node:fs';
import { DEFAULT_SHELL, type JobSpec } from '../../../core/spec/job-spec.ts';

/** What a command lacks, as the end of a sentence; undefined if it can start. */
export function missingPrerequisite({
  workingDir,
  args,
  shell = DEFAULT_SHELL,
}: Pick<JobSpec, 'workingDir' | 'args' | 'shell'>): string | undefined {
  const ofDirectory = workingDir === undefined ? undefined : problemOf(workingDir, 'isDirectory');
  if (ofDirectory !== undefined) return `the working directory ${workingDir} ${ofDirectory}`;
  const ofShell = args ? undefined : problemOf(shell, 'isFile');
  return ofShell === undefined ? undefined : `the shell ${shell} ${ofShell}`;
}

function problemOf(path: string, kind: 'isDirectory' | 'isFile'): string | undefined {
  try {
    if (!statSync(path)[kind]()) return kind === 'isFile' ? 'is not a file' : 'is not a directory';
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
    if (code !== 'EACCES') return `cannot be used (${code ?? message})`;
    return `may not be ${kind === 'isFile' ? 'executed' : 'entered'} by this user`;
  }
}
