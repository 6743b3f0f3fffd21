// How every long-lived process reacts to signals, to uncaught exceptions, and to a stop that takes too long.
import type { ExitStatus } from '../core/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { closeInheritedDescriptors } from './inherited-descriptors.ts';

/** Resolves with who told the process to end. */
export type Shutdown = PromiseWithResolvers<string>;

/** Serves until it has ended; throws what it broke on. */
export async function serveUntilShutdown(
  name: string,
  log: Log,
  serve: (told: Shutdown) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  closeInheritedDescriptors();
  const told: Shutdown = Promise.withResolvers<string>();
  const broken = Promise.withResolvers<never>();
  const stopListening = listenToSystem(log, told.resolve, (thrown) => {
    log.fatal({ err: thrown }, `the ${name} breaks off`);
    broken.reject(thrown);
  });
  try {
    return await Promise.race([serve(told), broken.promise]);
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
  // After an uncaught exception the memory may be inconsistent: the process ends, and the next one starts from the disk.
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

/** Waits for it, and goes on with a warning after the limit (milliseconds). */
export async function within(ended: Promise<void>, timeoutMs: number, log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn({ timeoutMs }, 'gave up waiting for what was begun');
    resolve();
  }, timeoutMs);
  await Promise.race([ended, promise]);
  clearTimeout(timer);
}
