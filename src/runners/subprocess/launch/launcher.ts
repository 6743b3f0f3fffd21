// What starts the command of a run, claims the run for it, and saves its exit code for the next runner.
import type { Environment } from '../command/child-env.ts';
import type { ProcessExit } from '../run-end.ts';

/** The process group of a run, from the runner's side. */
export interface RunProcess {
  readonly pgid: number;
  /** Resolves when the process that leads the group has ended. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Whether the group is still this run's: the kernel reuses the id of an empty group. */
  ownsGroup(): Promise<boolean>;
  /** Stops observing the process; it runs on. */
  detach(): void;
}

export interface LaunchInput {
  /** Name of the run. */
  run: string;
  /** Start directory, with the FIFO for the output in it. */
  directory: string;
  umask: number;
  /** The command and its arguments, run as they are. */
  command: readonly string[];
  workingDir: string;
  env: Environment;
}

export interface Launcher {
  /**
   * Starts the command in a session of its own; rejects with the error of the system call that failed. Does not keep this
   * process alive meanwhile.
   */
  launch(input: LaunchInput): Promise<RunProcess>;
  /** Starts nothing more. The commands run on. */
  close(): void;
}

/** The process that reads the output, for as long as it has its owner file open. */
export interface Reader {
  ownerFile: string;
  /** Leads to the owner file for as long as the reader has it open; only on Linux. */
  descriptor: string;
}
