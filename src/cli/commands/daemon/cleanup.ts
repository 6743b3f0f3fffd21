// `lsh daemon cleanup`: removes the socket that a killed daemon left behind. Refuses while a daemon runs; never
// touches jobs, history or output.
import { rm, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { localApi } from '../../local-api.ts';
import { pathsFromConfig } from '../../../processes/local-jobs.ts';
import { print } from '../../output/print.ts';

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function cleanup({ io }: Context): Promise<void> {
  const paths = pathsFromConfig();
  try {
    const { pid } = await localApi(io, paths).status({});
    throw new LshError('DAEMON_ALREADY_RUNNING', { detail: ` (process ${pid})` });
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'DAEMON_NOT_RUNNING') throw error;
  }
  if (!(await exists(paths.socket))) return print(io, 'nothing to clean up');
  await rm(paths.socket);
  print(io, `removed: ${paths.socket}`);
}

export function addCleanup(daemon: Command, context: Context): void {
  const command = daemon
    .command('cleanup')
    .description(
      'Remove the socket that a killed daemon left behind. Fails while a daemon runs. Jobs and history stay.',
    )
    .action(() => cleanup(context));
  withExamples(command, [
    'lsh daemon cleanup',
    'Remove a stale socket, as `lsh daemon start` does by itself',
  ]);
}
