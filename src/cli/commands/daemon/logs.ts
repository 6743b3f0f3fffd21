// `lsh daemon logs`: the end of the daemon’s own log; with -f, also new lines.
import { watch } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { localApi } from '../../local-api.ts';
import { pathsFromConfig } from '../../../processes/local-jobs.ts';
import { parseCount } from '../../input/flags.ts';
import { printOutput } from '../../output/print.ts';

const CHUNK_BYTES = 64 * 1024;

/** Offset of the last `lines` lines, in bytes from the start of the file. */
async function startOfLast(file: FileHandle, lines: number): Promise<number> {
  let position = (await file.stat()).size;
  let found = 0;
  while (position > 0) {
    const from = Math.max(0, position - CHUNK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(position - from), 0, position - from, from);
    for (let index = buffer.length - 1; index >= 0; index -= 1) {
      if (buffer[index] !== 0x0a) continue;
      found += 1;
      // The last newline of the file ends the last line, so it starts none.
      if (found > lines) return from + index + 1;
    }
    position = from;
  }
  return 0;
}

/** Prints the file from the offset to its end. Returns the new offset. */
async function copyFrom(file: FileHandle, from: number, { io }: Context): Promise<number> {
  let position = from;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return position;
    await printOutput(io, Buffer.from(buffer.subarray(0, bytesRead)));
    position += bytesRead;
  }
}

async function openLog(path: string, context: Context): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? await missingLog(path, context)
      : new LshError('FILE_UNREADABLE', { path, detail: (error as Error).message }, { cause: error });
  }
}

/** A daemon that runs may log elsewhere, or another program may have moved its file away. */
async function missingLog(path: string, { io }: Context): Promise<LshError> {
  const running = await localApi(io)
    .status({})
    .catch(() => undefined);
  if (running === undefined) {
    const hint = 'Start it with `lsh daemon start`.';
    return new LshError('FILE_UNREADABLE', { path, detail: 'no daemon has written it yet' }, { hint });
  }
  const detail = `the daemon runs (process ${running.pid}), but has written nothing to it`;
  const hint =
    'A daemon that a service manager or a terminal started logs to its output: `journalctl --user -u lshd`. ' +
    'If logrotate moved the file, the next line creates it again.';
  return new LshError('FILE_UNREADABLE', { path, detail }, { hint });
}

/** The file at the path; undefined between a rotation by another program and the next line. */
async function reopened(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Prints new lines until a signal ends the process. Reads a rotated file to its end before the new file. */
async function follow(
  path: string,
  context: Context,
  first: { file: FileHandle; position: number },
): Promise<never> {
  let { file, position } = first;
  let wake = () => {};
  // Watches the directory: after a rotation, the path names another file.
  watch(dirname(path), () => wake());
  for (;;) {
    const woken = new Promise<void>((resolve) => (wake = resolve));
    position = await copyFrom(file, position, context);
    const current = await reopened(path);
    if (current === undefined) {
      await woken;
    } else if ((await current.stat()).ino === (await file.stat()).ino) {
      await current.close();
      await woken;
    } else {
      await file.close();
      [file, position] = [current, 0];
    }
  }
}

async function logs(context: Context, flags: { lines: number; follow?: true }): Promise<void> {
  const { log } = pathsFromConfig();
  // After a rotation by another program, the last lines are in the file that it moved.
  const file = (await reopened(log)) ?? (await reopened(`${log}.1`)) ?? (await openLog(log, context));
  const position = await copyFrom(file, await startOfLast(file, flags.lines), context);
  if (flags.follow) await follow(log, context, { file, position });
  await file.close();
}

export function addLogs(daemon: Command, context: Context): void {
  const command = daemon
    .command('logs')
    .description('Print the end of the daemon’s own log: one JSON object per line.')
    .option('-n, --lines <count>', 'number of lines; default: 50', parseCount, 50)
    .option('-f, --follow', 'keep printing new lines until Ctrl-C')
    .action((flags: { lines: number; follow?: true }) => logs(context, flags));
  withExamples(
    command,
    ['lsh daemon logs -f', 'Follow the log'],
    ['lsh daemon logs -n 1000 | jq \'select(.level == "warn")\'', 'Show only the warnings'],
  );
}
