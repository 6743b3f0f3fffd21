// The streams and the clock of a command. Tests pass their own.

export interface Io {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number; writableNeedDrain?: boolean };
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The process’s own streams and clock. */
export const processIo: Io = {
  // Getters: opening a stream takes a millisecond or two, and few commands read stdin or write to stderr.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  get stderr() {
    return process.stderr;
  },
  now: () => Date.now(),
};
