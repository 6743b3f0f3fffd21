// The runner's end of the fork server, the program of fork-server.c beside it.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import type { Readable, Writable } from 'node:stream';
import { join } from 'node:path';
import { adoptChild } from '../child.ts';
import type { ProcessExit } from '../run-end.ts';
import { readStatus, seal, tokenOf } from '../run-files.ts';
import type { Launcher, LaunchInput, Reader, RunProcess } from './launcher.ts';

type ServerProcess = ChildProcessByStdio<Writable, Readable, null>;

/** The kinds of report, as fork-server.c has them. */
const STARTED = 1;
const NOT_STARTED = 2;
const EXITED = 3;

const REPORT_BYTES = 12;
/** Requests that go out together: fewer writes, and the first command of a burst does not wait for the last request. */
const REQUESTS_TOGETHER = 16;

/** The program for this platform in the directory of the bundle; undefined where the build has none. */
export function forkServerProgram(bundle = import.meta.dirname): string | undefined {
  const program = join(bundle, 'libexec', `fork-server-${process.platform}-${process.arch}`);
  try {
    accessSync(program, constants.X_OK);
    return program;
  } catch {
    return undefined;
  }
}

/** A command that was requested. */
class Launch {
  readonly #input: LaunchInput;
  readonly #started = Promise.withResolvers<RunProcess>();
  readonly #exited = Promise.withResolvers<ProcessExit>();
  #process: RunProcess | undefined;
  /** Of a process whose server has ended. */
  #adopted: RunProcess | undefined;
  #isDetached = false;

  constructor(input: LaunchInput) {
    this.#input = input;
  }

  get process(): Promise<RunProcess> {
    return this.#started.promise;
  }

  started(pgid: number): void {
    const exited = this.#exited.promise;
    this.#process = {
      pgid,
      exited,
      // The server reports the end of a command before the kernel may use its id again.
      ownsGroup: () => this.#adopted?.ownsGroup() ?? Promise.resolve(true),
      detach: () => {
        this.#isDetached = true;
        this.#adopted?.detach();
      },
    };
    this.#started.resolve(this.#process);
  }

  notStarted(errno: number): void {
    const code = getSystemErrorName(-errno);
    this.#started.reject(Object.assign(new Error(`the system says ${code}`), { code }));
  }

  exited(exit: ProcessExit): void {
    this.#exited.resolve(exit);
  }

  /** After the end of the server: its child goes on, unless it has not claimed yet. */
  serverEnded(): void {
    const pid = this.#process?.pgid ?? this.#claimant();
    if (pid === undefined) return this.#started.reject(new Error('the fork server of lsh was ended'));
    if (!this.#process) this.started(pid);
    const { directory, run } = this.#input;
    this.#adopted = adoptChild(pid, run, directory, new Promise(() => undefined));
    if (this.#isDetached) this.#adopted.detach();
    this.#adopted.exited.then(
      (exit) => this.exited(exit),
      () => this.exited({ vanished: true }),
    );
  }

  /** The pid of a claim; without one there comes none. Rejects where the disk does not say. */
  #claimant(): number | undefined {
    try {
      seal(this.#input.directory);
      const status = readStatus(this.#input.directory);
      return status.claim === 'Pid' ? status.pid : undefined;
    } catch {
      return undefined;
    }
  }
}

export class ForkServer implements Launcher {
  readonly #program: string;
  readonly #reader: Reader;
  readonly #launches = new Map<number, Launch>();
  #server: Promise<ServerProcess> | undefined;
  #lastId = 0;
  #unsent = 0;
  #unread: Buffer = Buffer.alloc(0);

  /** Starts the program with the first command. */
  constructor(program: string, reader: Reader) {
    this.#program = program;
    this.#reader = reader;
  }

  async launch(input: LaunchInput): Promise<RunProcess> {
    const id = (this.#lastId = (this.#lastId + 1) % 2 ** 32);
    const request = requestOf(id, input);
    const { stdin } = await (this.#server ??= this.#start());
    const launch = new Launch(input);
    this.#launches.set(id, launch);
    this.#send(stdin, request);
    return launch.process;
  }

  async #start(): Promise<ServerProcess> {
    const { ownerFile, descriptor } = this.#reader;
    const server = spawn(this.#program, [ownerFile, descriptor], {
      cwd: '/',
      detached: true,
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    if (server.pid === undefined) {
      const [error] = await once(server, 'error');
      this.#server = undefined;
      throw error;
    }
    // Each is followed by the end of the output.
    for (const stream of [server.stdin, server.stdout]) stream.on('error', () => undefined);
    server.stdout.on('data', (chunk: Buffer) => this.#read(chunk));
    server.stdout.once('close', () => this.#ended());
    for (const handle of [server, server.stdin, server.stdout]) (handle as { unref?(): void }).unref?.();
    return server;
  }

  #send(stdin: Writable, request: Buffer): void {
    if (this.#unsent === 0) {
      stdin.cork();
      process.nextTick(() => this.#flush(stdin));
    }
    stdin.write(request);
    if (++this.#unsent === REQUESTS_TOGETHER) this.#flush(stdin);
  }

  #flush(stdin: Writable): void {
    this.#unsent = 0;
    stdin.uncork();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    let at = 0;
    for (; at + REPORT_BYTES <= bytes.length; at += REPORT_BYTES) {
      const [kind, id, value] = new Uint32Array(
        bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + REPORT_BYTES),
      );
      this.#report(kind!, id!, value!);
    }
    this.#unread = bytes.subarray(at);
  }

  #report(kind: number, id: number, value: number): void {
    const launch = this.#launches.get(id)!;
    if (kind === STARTED) return launch.started(value);
    this.#launches.delete(id);
    if (kind === NOT_STARTED) launch.notStarted(value);
    else launch.exited(kind === EXITED ? { exitCode: value } : { unclaimed: true });
  }

  /** The server was killed: it ends by itself only after close(). */
  #ended(): void {
    this.#server = undefined;
    this.#unsent = 0;
    this.#unread = Buffer.alloc(0);
    for (const launch of this.#launches.values()) launch.serverEnded();
    this.#launches.clear();
  }

  close(): void {
    void this.#server?.then(
      ({ stdin }) => stdin.end(),
      () => undefined,
    );
  }
}

function requestOf(id: number, { directory, umask, command, workingDir, env }: LaunchInput): Buffer {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const strings = [directory, tokenOf(directory), workingDir, umask.toString(8), ...command, ...variables];
  // As spawn() rejects it.
  if (strings.some((text) => text.includes('\0')))
    throw Object.assign(new Error('a NUL character'), { code: 'ERR_INVALID_ARG_VALUE' });
  const text = Buffer.from(`${strings.join('\0')}\0`);
  const head = new Uint32Array([3 * 4 + text.length, id, command.length, variables.length]);
  return Buffer.concat([new Uint8Array(head.buffer), text]);
}
