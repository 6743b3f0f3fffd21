// Writes files that hold secrets: 0600 from their first byte, and whole or not at all.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LshError, toLshError } from '../../core/errors.ts';

/**
 * The steps of a write, in their order. An end between any two leaves the old file or the new one: a test stops at each.
 * `publish` is a rename, or a link where the file must not exist yet.
 */
export const STEPS = ['open', 'write', 'sync', 'publish', 'sync directory'] as const;
type Step = (typeof STEPS)[number];
/** Called before each step. */
type OnStep = (step: Step) => void;

/** Replaces the file, or creates it. Throws FILE_UNWRITABLE or DISK_FULL, and leaves the old file. */
export function replaceFile(path: string, text: string, onStep: OnStep = () => undefined): void {
  publish(path, text, onStep, renameSync);
}

/** Creates the file. Throws FILE_UNWRITABLE also if it exists. */
export function createFile(path: string, text: string, onStep: OnStep = () => undefined): void {
  publish(path, text, onStep, (temporary, target) => {
    linkSync(temporary, target);
    unlinkSync(temporary);
  });
}

function publish(path: string, text: string, onStep: OnStep, move: (from: string, to: string) => void): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    onStep('open');
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      onStep('write');
      writeFileSync(file, text);
      onStep('sync');
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    onStep('publish');
    move(temporary, path);
    onStep('sync directory');
    syncDirectory(dirname(path));
  } catch (error) {
    removeIfThere(temporary);
    throw unwritable(path, error);
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Never made, or already in its place.
  }
}

function unwritable(path: string, error: unknown): unknown {
  if (error instanceof LshError || toLshError(error).code === 'DISK_FULL') return toLshError(error);
  return new LshError('FILE_UNWRITABLE', { path, detail: (error as Error).message }, { cause: error });
}

/** Creates the directory and its parents for this user alone; leaves the mode of existing ones. */
export function ensurePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** The bytes of the file as UTF-8; undefined if there is none. Throws FILE_UNREADABLE, also for other bytes. */
export function readText(path: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const detail = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : message;
    throw new LshError('FILE_UNREADABLE', { path, detail }, { cause: error });
  }
}
