// `lsh daemon install|uninstall`: let the system start the daemon at login.
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { loadConfig } from '../../../config.ts';
import { LshError } from '../../../core/errors.ts';
import { serviceFile, type ServiceFile } from '../../../local/lifecycle/service-files.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { daemonEnvironment, pathsFromConfig } from '../../../processes/local-jobs.ts';
import { print } from '../../output/print.ts';
import { daemonRunCommand } from './life.ts';

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
    logPath: log,
    stderrPath: stderr,
  });
  if (!file) throw new LshError('SERVICE_UNSUPPORTED', { platform: process.platform });
  return file;
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

async function install(
  { io }: Context,
  { now, print: printOnly }: { now: boolean; print?: true },
): Promise<void> {
  const { path, content, enable } = await service();
  if (printOnly) return void io.stdout.write(content);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  print(io, `written: ${path}`);
  if (!now) return print(io, ...enable.map((words) => `to do:   ${words.join(' ')}`));
  for (const words of enable) await runProgram(words);
  print(io, 'daemon started; it starts at each login');
}

async function uninstall({ io }: Context): Promise<void> {
  const { path, disable } = await service();
  for (const words of disable) await runProgram(words);
  await rm(path, { force: true });
  print(io, `removed: ${path}`);
}

export function addInstall(daemon: Command, context: Context): void {
  const command = daemon
    .command('install')
    .description('Make systemd (Linux) or launchd (macOS) start the daemon now and at each login.')
    .option('--no-now', 'write the file only, and print the remaining commands')
    .option('--print', 'print the file and write nothing')
    .action((flags: { now: boolean; print?: true }) => install(context, flags));
  withExamples(
    command,
    ['lsh daemon install', 'Write, enable and start the service'],
    ['lsh daemon install --print', 'Print the service file'],
  );
}

export function addUninstall(daemon: Command, context: Context): void {
  const command = daemon
    .command('uninstall')
    .description('Stop the service and remove its file. Jobs and history stay.')
    .action(() => uninstall(context));
  withExamples(command, ['lsh daemon uninstall', 'Undo `lsh daemon install`']);
}
