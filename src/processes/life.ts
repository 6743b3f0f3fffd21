// What every long-lived process does with signals, with exceptions that nobody expected, and with a stop that
// takes too long.
import type { ExitStatus } from '../core/errors.ts';
import type { Log } from '../telemetry/log.ts';

/** Resolves with who told the process to end. */
export type Shutdown = PromiseWithResolvers<string>;

/** Serves until it has ended; throws what it broke on. */
export async function serveUntilShutdown(
  name: string,
  log: Log,
  serve: (told: Shutdown) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const told: Shutdown = Promise.withResolvers<string>();
  const broken = Promise.withResolvers<never>();
  const stopListening = listenToSystem(told.resolve, (thrown) => {
    log.fatal({ err: thrown }, `the ${name} breaks off`);
    broken.reject(thrown);
  });
  try {
    return await Promise.race([serve(told), broken.promise]);
  } finally {
    stopListening();
  }
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** After an exception that nobody expected nothing here can be trusted: break off, and start again from the disk. */
function listenToSystem(onSignal: (signal: string) => void, onBreak: (thrown: unknown) => void): () => void {
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('uncaughtException', onBreak);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('uncaughtException', onBreak);
  };
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
