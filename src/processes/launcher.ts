// The launcher of this installation: the script `lsh` beside the program, which finds a Node (src/launcher/lsh.sh).
import { delimiter, dirname, join } from 'node:path';

type Environment = Readonly<Record<string, string>>;

/** Absolute path of the launcher. */
export function launcherPath(): string {
  return join(dirname(process.argv[1] ?? ''), 'lsh');
}

/** The command that runs the daemon in the foreground, word by word. */
export function daemonRunCommand(): string[] {
  return [launcherPath(), 'daemon', 'run'];
}

/** The first word of the command line of a stand-in (stand-in.ts): for lsh itself, and in no help. */
export const STAND_IN = '__stand-in';

/** The command that reads the output of running commands while no runner lives. */
export function standInCommand(stateDir: string): string[] {
  return [launcherPath(), STAND_IN, stateDir];
}

/** Puts the launcher's folder first in PATH, so that a command which calls `lsh` gets this installation. */
export function withLauncher(environment: Environment): Environment {
  const folder = dirname(launcherPath());
  const path = environment['PATH'] ?? '';
  if (path.split(delimiter).includes(folder)) return environment;
  return { ...environment, PATH: `${folder}${delimiter}${path}` };
}
