// Calls the URL of a dead man's switch, such as healthchecks.io: that service tells people when the calls stop. Loaded only
// where a URL is set. The URL often holds a key, so the log has its host alone.
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import type { Clock, Logger } from '../control/ports.ts';

export interface HeartbeatOptions {
  url: string;
  /** Milliseconds between two calls. */
  intervalMs: number;
  /** Why the schedules are not evaluated; undefined if they are. No call is made while there is a reason. */
  trouble: () => Promise<string | undefined>;
  clock: Clock;
  logger: Logger;
}

/** A call that takes longer counts as failed, milliseconds. */
const TIMEOUT_MS = 10_000;

/** Calls at once and then at each interval, until the returned function is called. Never throws. */
export function keepHeartbeat(options: HeartbeatOptions): () => void {
  const { url, intervalMs, trouble, clock, logger } = options;
  const { host } = new URL(url);
  let reported: string | undefined;
  let isCalling = false;
  const beat = async () => {
    const problem = (await trouble()) ?? (await failureOf(url));
    if (problem === reported) return;
    reported = problem;
    if (problem === undefined) logger.info({ host }, 'the heartbeat is heard again');
    else logger.warn({ host, detail: problem }, 'no heartbeat was heard');
  };
  let cancel: () => void;
  const tick = () => {
    cancel = clock.at(clock.now() + intervalMs, tick);
    // One call at a time: the answer of an earlier one must not come last.
    if (isCalling) return;
    isCalling = true;
    beat()
      .catch((err: unknown) => logger.warn({ host, err }, 'no heartbeat was sent'))
      .finally(() => (isCalling = false));
  };
  tick();
  return () => cancel();
}

/** Undefined if the service takes the call. */
function failureOf(url: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const get = url.startsWith('https:') ? getHttps : getHttp;
  // A connection of its own: the next call is a minute away, and a kept one may be dead by then.
  const request = get(url, { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
    response.resume();
    const { statusCode = 0 } = response;
    resolve(
      statusCode >= 200 && statusCode < 300 ? undefined : `the service answers with status ${statusCode}`,
    );
  });
  request.on('error', ({ name, message }) =>
    resolve(name === 'AbortError' ? `no answer within ${TIMEOUT_MS / 1000} s` : message),
  );
  return promise;
}
