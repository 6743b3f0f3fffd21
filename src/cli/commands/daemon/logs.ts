// `lsh daemon logs`: the end of the daemon's own log, and what is added to it.
import { watch } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { pathsFromConfig } from '../../../processes/local-jobs.ts';
import { parseCount } from '../../input/flags.ts';

const CHUNK_BYTES = 64 * 1024;

/** Where the last lines begin, counted in bytes from the start of the file. */
async function startOfLast(file: FileHandle, lines: number): Promise<number> {
  let position = (await file.stat()).size;
  let found = 0;
  while (position > 0) {
    const from = Math.max(0, position - CHUNK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(position - from), 0, position - from, from);
    for (let index = buffer.length - 1; index >= 0; index -= 1) {
      if (buffer[index] !== 0x0a) continue;
      found += 1;
      // The first one from behind ends the last line.
      if (found > lines) return from + index + 1;
    }
    position = from;
  }
  return 0;
}

/** Writes what stands behind the position and answers with the new one. */
async function copyFrom(file: FileHandle, from: number, { io }: Context): Promise<number> {
  let position = from;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return position;
    io.stdout.write(Buffer.from(buffer.subarray(0, bytesRead)));
    position += bytesRead;
  }
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const detail = code === 'ENOENT' ? 'no daemon has written it yet' : message;
    throw new LshError(
      'FILE_UNREADABLE',
      { path, detail },
      { cause: error, hint: 'Start it with `lsh daemon start`.' },
    );
  }
}

/** Goes on until the process is told to end; a log that was rotated away is read to its end first. */
async function follow(
  path: string,
  context: Context,
  first: { file: FileHandle; position: number },
): Promise<never> {
  let { file, position } = first;
  let wake = () => {};
  // The directory and not the file: a rotation gives the name to another file.
  watch(dirname(path), () => wake());
  for (;;) {
    const woken = new Promise<void>((resolve) => (wake = resolve));
    position = await copyFrom(file, position, context);
    const current = await openLog(path);
    if ((await current.stat()).ino === (await file.stat()).ino) {
      await current.close();
      await woken;
    } else {
      await file.close();
      [file, position] = [current, 0];
    }
  }
}

async function logs(
  context: Context,
  { lines, follow: goOn }: { lines: number; follow?: true },
): Promise<void> {
  const { log } = pathsFromConfig();
  const file = await openLog(log);
  const position = await copyFrom(file, await startOfLast(file, lines), context);
  if (goOn) await follow(log, context, { file, position });
  await file.close();
}

export function addLogs(daemon: Command, context: Context): void {
  const command = daemon
    .command('logs')
    .description('Print the end of the daemon’s own log: one JSON object per line.')
    .option('-n, --lines <count>', 'how many lines; default: 50', parseCount, 50)
    .option('-f, --follow', 'go on with what is added, until Ctrl-C')
    .action((flags: { lines: number; follow?: true }) => logs(context, flags));
  withExamples(
    command,
    ['lsh daemon logs -f', 'Watch the daemon'],
    ['lsh daemon logs -n 1000 | jq \'select(.level == "warn")\'', 'Only the warnings'],
  );
}
