// Runs a command with the secrets of an environment, as `env` would: same terminal, same signals, same exit status.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { environmentWith } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import { redactionOf } from '../../core/redaction/redaction.ts';
import { whyNotStarted } from '../../runners/subprocess/command/why-not-started.ts';
import { openNewest } from './run-secrets.ts';

/** Signals that reach lsh alone. */
const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
/** Signals that a terminal sends to the command as well. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

export interface RunCommandOptions {
  environment: string;
  /** Holds the project. */
  directory: string;
  /** The program and its arguments. */
  words: readonly [string, ...string[]];
  /** Masks the values in stdout and stderr, which are pipes then. */
  redact: boolean;
}

/** Returns the exit status of the command, 128 + n after signal n. Throws SPAWN_FAILED, and what a pull throws. */
export async function runWithSecrets(options: RunCommandOptions): Promise<number> {
  const { variables } = await openNewest(options.environment, options.directory);
  const [program, ...args] = options.words;
  const output = options.redact ? 'pipe' : 'inherit';
  // Before the command exists: a signal may arrive at its first breath, and would end lsh alone.
  const stopPassing = passSignals((signal) => child.kill(signal));
  const child = start(program, args, { env: environmentWith(variables), stdio: ['inherit', output, output] });
  const values = Object.values(variables);
  const masked = options.redact
    ? [mask(child.stdout!, process.stdout, values), mask(child.stderr!, process.stderr, values)]
    : [];
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    await Promise.all(masked);
    return signal === null ? code! : 128 + constants.signals[signal];
  } catch (error) {
    throw notStarted(program, error as NodeJS.ErrnoException);
  } finally {
    stopPassing();
  }
}

function start(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, args, options);
  } catch (error) {
    throw notStarted(program, error as NodeJS.ErrnoException);
  }
}

function notStarted(program: string, error: NodeJS.ErrnoException): LshError {
  const detail = error.code === 'ENOENT' ? `there is no program ${program}` : whyNotStarted(error);
  return new LshError('SPAWN_FAILED', { detail }, { hint: 'Put the program and its arguments after --.' });
}

/** Passes signals that end lsh on to a command, until the returned function is called. */
export function passSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  // The terminal has sent these to the command already. process.stdin would make a stream of what the command reads.
  const isTerminal = isatty(0);
  const ignored = isTerminal ? FROM_TERMINAL : [];
  const passed = isTerminal ? PASSED_ON : [...PASSED_ON, ...FROM_TERMINAL];
  const ignore = () => undefined;
  for (const signal of ignored) process.on(signal, ignore);
  for (const signal of passed) process.on(signal, pass);
  return () => {
    for (const signal of ignored) process.off(signal, ignore);
    for (const signal of passed) process.off(signal, pass);
  };
}

/** Copies the stream without the values. */
export async function mask(from: Readable, to: Writable, values: readonly string[]): Promise<void> {
  const redaction = redactionOf(values);
  const write = async (bytes: Uint8Array) => {
    if (bytes.length > 0 && !to.write(bytes)) await once(to, 'drain');
  };
  for await (const chunk of from) await write(redaction?.push(chunk as Buffer) ?? (chunk as Buffer));
  if (redaction) await write(redaction.end());
}
