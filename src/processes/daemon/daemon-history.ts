// The team's history of a daemon: its jobs, their runs, and who changed them. What is wrong with it never keeps a job from running.
import { systemClock } from '../../control/clock.ts';
import type { HistoryStanding } from '../../control/history/sender.ts';
import { oldestAfter } from '../../control/history/stored-outbox.ts';
import { toLshError } from '../../core/errors.ts';
import type { DaemonStatus } from '../../local/socket/protocol.ts';
import { projectForWriting, teamOf } from '../supabase/writer.ts';
import type { HistoryOutbox, HistoryOutboxOptions } from './history-outbox.ts';

/** The client is loaded this long after the start, milliseconds: until then the commands that follow a start come first. */
const LOAD_AFTER_MS = 500;

/** Changes enter the outbox from the constructor on. Without the key they do not: the daemon runs without a history and says why. */
export class DaemonHistory {
  readonly #options: HistoryOutboxOptions;
  readonly #url: string;
  #outbox: HistoryOutbox | undefined;
  #trouble: HistoryStanding['trouble'];
  #cancelLoad: () => void = () => undefined;
  #isClosed = false;

  private constructor(options: HistoryOutboxOptions, url: string) {
    this.#options = options;
    this.#url = url;
    const { config, store } = options;
    try {
      projectForWriting(config);
      store.enterJobs(`${url} ${teamOf(config)}`);
      store.record();
      this.#cancelLoad = systemClock.at(systemClock.now() + LOAD_AFTER_MS, () => void this.#load());
    } catch (thrown) {
      this.#fail(thrown);
      store.enterJobs(undefined);
    }
  }

  /** Returns undefined if no project is configured. */
  static open(options: HistoryOutboxOptions): DaemonHistory | undefined {
    const { config, store } = options;
    if (config.supabaseUrl !== undefined) return new DaemonHistory(options, config.supabaseUrl);
    store.enterJobs(undefined);
    return undefined;
  }

  /** The outbox may have new entries. */
  wake(): void {
    this.#outbox?.wake();
  }

  /** For `lsh daemon status`. */
  standing(): NonNullable<DaemonStatus['history']> {
    const { oldestAt, ...standing } = this.#outbox?.standing() ?? this.#standingOfTable();
    return {
      url: this.#url,
      ...standing,
      ...(oldestAt !== undefined && { oldestAt: new Date(oldestAt).toISOString() }),
    };
  }

  /** Starts no further write. Call it before the store closes. */
  close(): void {
    this.#isClosed = true;
    this.#cancelLoad();
    this.#outbox?.close();
  }

  async #load(): Promise<void> {
    try {
      const { openHistoryOutbox } = await import('./history-outbox.ts');
      if (!this.#isClosed) this.#outbox = openHistoryOutbox(this.#options);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): void {
    const { reason, message, hint } = toLshError(thrown);
    this.#options.logger.warn({ reason, detail: message, hint }, 'the team’s history is off');
    this.#trouble = { reason, message, hint };
  }

  #standingOfTable(): HistoryStanding {
    const { outbox } = this.#options.store;
    const trouble = this.#trouble;
    return { backlog: outbox.count(0), oldestAt: oldestAfter(outbox, 0), ...(trouble && { trouble }) };
  }
}
