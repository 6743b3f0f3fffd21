// How every long-lived process reacts to signals, to uncaught exceptions, and to a stop that takes too long.
import type { ExitStatus } from '../core/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { closeInheritedDescriptors } from './inherited-descriptors.ts';

/** The request to shut down: resolves with its cause, such as a signal. */
export type Shutdown = PromiseWithResolvers<string>;

/** Runs `serve` to its end, which follows a shutdown. Throws an uncaught exception of the process. */
export async function serveUntilShutdown(
  name: string,
  log: Log,
  serve: (shutdown: Shutdown) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  closeInheritedDescriptors();
  const shutdown: Shutdown = Promise.withResolvers<string>();
  const broken = Promise.withResolvers<never>();
  const stopListening = listenToSystem(log, shutdown.resolve, (thrown) => {
    log.fatal({ err: thrown }, `uncaught exception, the ${name} ends`);
    broken.reject(thrown);
  });
  try {
    return await Promise.race([serve(shutdown), broken.promise]);
  } finally {
    stopListening();
  }
}

/** TERM, Ctrl-C and Ctrl-\\ stop the process in order. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
/** Without a handler, USR1 opens Node's debugger, and the others end the process without a line in the log. */
const IGNORED_SIGNALS = ['SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;

/** Handles signals and uncaught exceptions until the returned function is called. */
function listenToSystem(
  log: Log,
  onStop: (signal: string) => void,
  onBreak: (thrown: unknown) => void,
): () => void {
  const reopen = (): void => reopenLog(log);
  const ignore = (signal: string): void => log.warn({ signal }, 'signal ignored');
  // A terminal sends HUP when it closes: a process that prints into it ends with it.
  const onHangup = process.stdout.isTTY ? onStop : reopen;
  const handlers = [
    ...STOP_SIGNALS.map((signal) => [signal, onStop] as const),
    ...IGNORED_SIGNALS.map((signal) => [signal, ignore] as const),
    ['SIGHUP', onHangup] as const,
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  // After an uncaught exception the memory may be inconsistent: the process ends; the next starts from the disk.
  process.on('uncaughtException', onBreak);
  const printWarnings = logWarnings(log);
  return () => {
    printWarnings();
    for (const [signal, handler] of handlers) process.off(signal, handler);
    process.off('uncaughtException', onBreak);
  };
}

/** Writes Node's warnings into the log instead of stderr, which a parser of the log would trip over. */
function logWarnings(log: Log): () => void {
  const printers = process.listeners('warning');
  const onWarning = (warning: Error): void => log.warn({ err: warning }, 'warning of Node');
  process.removeAllListeners('warning').on('warning', onWarning);
  return () => {
    process.off('warning', onWarning);
    for (const printer of printers) process.on('warning', printer);
  };
}

function reopenLog(log: Log): void {
  try {
    log.reopen();
    log.info({}, 'log reopened');
  } catch (error) {
    log.error({ err: error }, 'log not reopened');
  }
}

/** Waits for a stop to finish. After `timeoutMs` milliseconds it logs a warning and returns. */
export async function awaitStop(stopped: Promise<void>, timeoutMs: number, log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn({ timeoutMs }, 'the stop takes too long and is not awaited');
    resolve();
  }, timeoutMs);
  try {
    await Promise.race([stopped, promise]);
  } finally {
    clearTimeout(timer);
  }
}
