// The POSIX sh script around every command: it claims the run, saves its exit status for the next runner, and outlives
// the group's TERM until the command has ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessExit } from '../run-end.ts';
import { readStatus, SEALED } from '../run-files.ts';
import type { Launcher, LaunchInput, Reader, RunProcess } from './launcher.ts';

/** The shell of the wrapper itself. */
export const WRAPPER_SHELL = '/bin/sh';

/** Exit status of a wrapper that could not claim the run, and therefore ran nothing. */
export const NOT_CLAIMED = 125;

/** By how much a command's OOM score exceeds the runner's, in thousandths of all memory. */
const OOM_SCORE_ABOVE_OURS = 200;
const OOM_SCORE_MAX = 1000;

/** Most output that a wrapper saves, in the blocks of 512 bytes (of 1024 in some shells) of `ulimit -f`. */
const REST_MAX_BLOCKS = 2048;

/**
 * Soft limit of open files for a command: the default of Linux and systemd, because select() fails beyond it. Node.js
 * raises its own to the hard limit and forgets the former value.
 */
const OPEN_FILES = 1024;

/*
 * Arguments: start directory, umask of the command, owner file, the reader's descriptor of it in /proc, then the command.
 * - The claim is a line of the status file, written over the lines of earlier starts in that directory; then the
 *   wrapper looks for the seal (run-files.ts), and for the FIFO, which goes before the seal. A start has one claim, ever. `command` keeps a shell alive that cannot
 *   open the file, so that it tells why it ends.
 * - A caught signal is reset in the command; an ignored one would not be.
 * - `exec` runs a program even where the shell has a builtin of that name, such as `exit`.
 * - The command raises its OOM score above the runner's, so that the kernel kills the command first: a killed runner
 *   loses sight of all runs. Any process may raise its score; outside Linux there is no score, and the shell goes on.
 * - The hard limit of open files stays, so a command may raise the soft one; below a lower hard limit ulimit changes
 *   nothing.
 * - The shell's own messages ("Terminated") are discarded; its messages about the command go to the output.
 * - A stop sends TERM to the whole group; the trap protects the wrapper.
 * - A reader is alive if it has the owner file open: a dead process has no descriptors. That is two system calls, where
 *   the shell reads a file byte by byte. Any other reader is a successor of the first, or the system shows no descriptors.
 * - Such a reader is alive if its pid is, started when the owner file says, and is not a zombie: a parent may leave a killed
 *   runner unreaped. In /proc the state and the start time are the first and the 20th word after the name.
 * - Without a living reader the FIFO loses its content with its last writer, so the wrapper saves it beside the FIFO.
 *   cat writes what it has read at once, so that the end of a background process may cost nothing.
 * The names of variables have a prefix: assigning an inherited variable would change it for the command.
 */
const SCRIPT = `_lsh_dir=$1 _lsh_umask=$2 _lsh_owner=$3 _lsh_fd=$4
_lsh_start=\${_lsh_dir##*"~"}
shift 4
umask 077
{
  command exec 8<>"$_lsh_dir/status" || exit ${NOT_CLAIMED}
  read -r _lsh_claim _lsh_pid <"$_lsh_dir/status"
  [ "$_lsh_claim" != "$_lsh_start" ] && echo "$_lsh_start $$" >&8 || exit ${NOT_CLAIMED}
} 2>/dev/null
[ ! -e "$_lsh_dir/sealed" ] && [ -p "$_lsh_dir/fifo" ] || { echo "$_lsh_start ${SEALED}" >&8; exit ${NOT_CLAIMED}; }
umask "$_lsh_umask"
trap : TERM INT HUP
exec 9>&2 2>/dev/null
(
  {
    read -r _lsh_score </proc/self/oom_score_adj && _lsh_score=$((_lsh_score + ${OOM_SCORE_ABOVE_OURS})) &&
      echo "$((_lsh_score < ${OOM_SCORE_MAX} ? _lsh_score : ${OOM_SCORE_MAX}))" >/proc/self/oom_score_adj
    ulimit -S -n ${OPEN_FILES}
  } 2>/dev/null
  exec "$@"
) 2>&9 8>&- 9>&-
_lsh_status=$?
echo "$_lsh_start $_lsh_status" >&8
_lsh_is_read() {
  read -r _lsh_reader _lsh_since <"$_lsh_owner" && kill -0 "$_lsh_reader" || return 1
  if [ -r "/proc/$_lsh_reader/stat" ]; then read -r _lsh_stat <"/proc/$_lsh_reader/stat" || return 1
  else _lsh_stat=$(PATH=$PATH:/usr/bin:/bin ps -o state= -p "$_lsh_reader"); fi
  set -f
  set -- \${_lsh_stat##*") "}
  case $1 in [ZX]*) return 1; esac
  [ -z "$_lsh_since" ] || [ "\${20}" = "$_lsh_since" ]
}
[ "$_lsh_fd" -ef "$_lsh_owner" ] || _lsh_is_read || {
  umask 077
  exec 8<"$_lsh_dir/fifo" >/dev/null 9>&-
  PATH=$PATH:/usr/bin:/bin
  ulimit -c 0
  ulimit -f ${REST_MAX_BLOCKS}
  exec cat <&8 >"$_lsh_dir/rest"
}
exit "$_lsh_status"`;

export type WrapperInput = Pick<LaunchInput, 'directory' | 'umask' | 'command'>;

/** Arguments for WRAPPER_SHELL that run the command under the wrapper. */
export function wrapperArguments(
  { ownerFile, descriptor }: Reader,
  { directory, umask, command }: WrapperInput,
): string[] {
  return ['-c', SCRIPT, 'lsh', directory, umask.toString(8), ownerFile, descriptor, ...command];
}

export class WrapperLauncher implements Launcher {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async launch(input: LaunchInput): Promise<RunProcess> {
    // Opened for reading as well: the child then always has a reader, and blocks where it would die of SIGPIPE.
    const output = openSync(join(input.directory, 'fifo'), constants.O_RDWR);
    try {
      const child = spawn(WRAPPER_SHELL, wrapperArguments(this.#reader, input), {
        cwd: input.workingDir,
        env: input.env,
        detached: true,
        stdio: ['ignore', output, output],
      });
      if (child.pid === undefined) throw (await once(child, 'error'))[0];
      const exited = new Promise<ProcessExit>((resolve) => {
        child.once('exit', (code, signal) => resolve(signal ? { signal } : exitOf(code!, input.directory)));
      });
      return { pgid: child.pid, exited, ownsGroup: () => Promise.resolve(true), detach: () => child.unref() };
    } finally {
      closeSync(output);
    }
  }

  close(): void {}
}

function exitOf(exitCode: number, directory: string): ProcessExit {
  if (exitCode !== NOT_CLAIMED) return { exitCode };
  const status = readStatus(directory);
  return status.claim === 'Pid' && status.exitCode === exitCode ? { exitCode } : { unclaimed: true };
}
