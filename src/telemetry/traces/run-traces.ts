// The traces of runs: each finished run becomes a span of a collector. A process that traces no run has none of these
// objects, and loads none of OpenTelemetry.
import type { RecordedListener } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import { jobKey, splitKey } from '../../core/naming.ts';
import { isFinished, type Run } from '../../core/run.ts';
import type { RunSpanExporter, SpanExporterOptions } from './span-exporter.ts';

interface RunTracesOptions extends SpanExporterOptions {
  /** The job as it is now; undefined if it has been removed. */
  jobOf: (key: JobKey) => Pick<Job, 'uid'> | undefined;
}

/** How long close() waits for the collector, milliseconds. */
const FLUSH_TIMEOUT_MS = 2000;

export class RunTraces {
  readonly #options: RunTracesOptions;
  #exporter: Promise<RunSpanExporter | undefined> | undefined;

  constructor(options: RunTracesOptions) {
    this.#options = options;
  }

  readonly recorded: RecordedListener = ({ change }) => {
    const ended = change.runs.filter(isFinished).map((run) => ({ run, causeUid: this.#causeUid(run) }));
    if (ended.length === 0) return;
    this.#exporter ??= this.#load();
    this.#exporter
      .then((exporter) => {
        for (const { run, causeUid } of ended) exporter?.add(run, causeUid);
      })
      .catch((err: unknown) => this.#options.logger.error({ err }, 'a run was not traced'));
  };

  /** Exports what is queued, as far as the collector takes it in time. */
  async close(): Promise<void> {
    if (this.#exporter === undefined) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#options.logger.warn({}, 'the last spans are lost: the collector did not take them in time');
      resolve();
    }, FLUSH_TIMEOUT_MS);
    await Promise.race([this.#exporter.then((exporter) => exporter?.close()), late]);
    clearTimeout(timer);
  }

  #causeUid({ job, cause }: Run): string | undefined {
    return cause && this.#options.jobOf(jobKey(splitKey(job).namespace, cause.job))?.uid;
  }

  /** Undefined if the program’s own files are gone, as after an update: the next process traces again. */
  async #load(): Promise<RunSpanExporter | undefined> {
    try {
      const { RunSpanExporter } = await import('./span-exporter.ts');
      return new RunSpanExporter(this.#options);
    } catch (err) {
      this.#options.logger.error({ err }, 'runs cannot be traced');
      return undefined;
    }
  }
}
