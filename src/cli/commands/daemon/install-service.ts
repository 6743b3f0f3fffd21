// The work of `lsh daemon install|uninstall`: writes or removes the service file, and calls systemctl or launchctl.
import { execFile } from 'node:child_process';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '../../../config.ts';
import { LshError, toLshError } from '../../../core/errors.ts';
import { ensureDirectories, ensurePrivateFile } from '../../../local/paths.ts';
import { serviceFile, type ServiceFile } from '../../../local/lifecycle/service-files.ts';
import type { Context } from '../../context.ts';
import type { Io } from '../../io.ts';
import { daemonEnvironment, pathsFromConfig } from '../../../processes/local-jobs.ts';
import { note, print, printText } from '../../output/print.ts';
import { daemonRunCommand, launcherPath } from '../../../processes/launcher.ts';
import { start, stop } from './life.ts';

/** Flags of `lsh daemon install`. */
export interface InstallFlags {
  now: boolean;
  print?: true;
}

async function service(): Promise<ServiceFile> {
  const config = loadConfig();
  if (config.home === undefined) throw new LshError('HOME_MISSING');
  const { log, stderr } = pathsFromConfig();
  const file = serviceFile({
    platform: process.platform,
    home: config.home,
    xdgConfigHome: config.xdgConfigHome,
    command: daemonRunCommand(),
    environment: daemonEnvironment(config),
    canNotify: await exists('systemd-notify'),
    logPath: log,
    stderrPath: stderr,
  });
  if (!file) throw new LshError('SERVICE_UNSUPPORTED', { platform: process.platform });
  return file;
}

/** Whether the program can be run. */
async function exists(program: string): Promise<boolean> {
  return promisify(execFile)(program, ['--version']).then(
    () => true,
    () => false,
  );
}

async function runProgram([program = '', ...args]: string[]): Promise<void> {
  try {
    await promisify(execFile)(program, args);
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const detail = stderr.trim() || message;
    throw new LshError(
      'SERVICE_COMMAND_FAILED',
      { command: [program, ...args].join(' '), detail },
      { cause: error },
    );
  }
}

/** Warns of a service that stops working when npm clears the cache of npx. */
function warnOfCache(io: Io): void {
  if (!launcherPath().includes('/_npx/')) return;
  note(
    io,
    'note: npx runs this lsh from its cache, which npm may clear; install lsh with npm install -g first.',
  );
}

/** The current content of the file; undefined if there is none. */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A user who could write the file would choose what runs at the next login. */
async function writePrivately(path: string, content: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

/** Writes the service file, and enables the service unless `now` is false. */
export async function install(context: Context, { now, print: printOnly }: InstallFlags): Promise<void> {
  const { io } = context;
  const file = await service();
  const { path, content, enable, outputs } = file;
  if (printOnly) return printText(io, content);
  warnOfCache(io);
  const before = await contentOf(path);
  ensureDirectories(pathsFromConfig());
  for (const output of outputs) ensurePrivateFile(output);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writePrivately(path, content);
  if (!now) {
    return print(io, `written: ${path}`, ...enable.map((words) => `to do:   ${words.join(' ')}`));
  }
  // The service could not start beside a daemon that already runs.
  const stopped = await stop(context);
  try {
    for (const words of enable) await runProgram(words);
  } catch (error) {
    await undoInstall(file, before);
    if (stopped) await start(context);
    throw error;
  }
  print(io, `written: ${path}`, 'daemon started; it starts at each login');
}

/** Restores the file of an earlier install; without one, removes every trace of the service. */
async function undoInstall(file: ServiceFile, before: string | undefined): Promise<void> {
  if (before !== undefined) return writePrivately(file.path, before);
  await runProgramsIfPossible(file.disable);
  await removeService(file);
}

async function removeService({ path, links, reload }: ServiceFile): Promise<void> {
  for (const each of [path, ...links]) await rm(each, { force: true });
  await runProgramsIfPossible(reload);
}

/** Returns the first failure. */
async function runProgramsIfPossible(commands: string[][]): Promise<LshError | undefined> {
  let failure: LshError | undefined;
  for (const words of commands) await runProgram(words).catch((error) => (failure ??= toLshError(error)));
  return failure;
}

/** Stops and removes the service. */
export async function uninstall({ io }: Context): Promise<void> {
  const file = await service();
  if ((await contentOf(file.path)) === undefined) return print(io, `nothing to remove: ${file.path}`);
  const failure = await runProgramsIfPossible(file.disable);
  await removeService(file);
  print(io, `removed: ${file.path}`);
  if (failure === undefined) return;
  const hint = 'The service file is removed. `lsh daemon stop` stops the daemon if it still runs.';
  throw new LshError(failure.code, failure.fields, { hint, cause: failure });
}
