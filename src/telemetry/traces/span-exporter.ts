// Exports spans as OTLP with OpenTelemetry’s own packages, which read the rest of their settings from the environment:
// headers, timeout, compression, certificates. Loaded with the first span.
import { hostname } from 'node:os';
import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
  type Resource,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  TracerProvider,
  type IdGenerator,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../../control/ports.ts';
import type { Run } from '../../core/run.ts';
import { runSpan } from './run-span.ts';
import type { TraceIds } from './trace-ids.ts';

/** Spans that wait for an export; the others are lost. Each has about 2 KB. */
const QUEUE_MAX = 2048;

export interface SpanExporterOptions {
  version: string;
  logger: Logger;
}

export class RunSpanExporter {
  readonly #ids = new GivenIds();
  readonly #provider: TracerProvider;
  readonly #version: string;

  constructor({ version, logger }: SpanExporterOptions) {
    this.#version = version;
    // The first word of many warnings is the name of a class alone; objects that follow hold the answer of a collector.
    const warn = (...words: unknown[]) =>
      logger.warn(
        { detail: words.filter((word) => typeof word === 'string').join(': ') },
        'OpenTelemetry warns',
      );
    // Failed exports are reported below, once.
    const silent = () => undefined;
    const sink = { error: silent, warn, info: silent, debug: silent, verbose: silent };
    diag.setLogger(sink, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    const exporter = reporting(new OTLPTraceExporter({ userAgent: `lsh/${version}` }), logger);
    this.#provider = new TracerProvider({
      resource: resourceOf(version),
      idGenerator: this.#ids,
      spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: QUEUE_MAX })],
    });
  }

  /** Queues the span of a finished run. `causeUid` as runSpan(). */
  add(run: Run, causeUid: string | undefined): void {
    const { name, startedAt, finishedAt, attributes, error, parent, follows, ids } = runSpan(run, causeUid);
    this.#ids.next = ids;
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, contextOf(parent)) : ROOT_CONTEXT;
    const span = this.#provider.getTracer('lsh', this.#version).startSpan(
      name,
      {
        kind: SpanKind.SERVER,
        // As Date: the SDK takes a number from before the start of this process for one of its monotonic clock.
        startTime: new Date(startedAt),
        attributes,
        links: follows ? [{ context: contextOf(follows) }] : [],
      },
      context,
    );
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(new Date(finishedAt));
  }

  /** Exports what is queued. May take as long as the timeouts of the exporter. */
  async close(): Promise<void> {
    // The exporter has reported what failed.
    await this.#provider.shutdown().catch(() => undefined);
  }
}

class GivenIds implements IdGenerator {
  next: TraceIds = { traceId: '', spanId: '' };
  readonly generateTraceId = (): string => this.next.traceId;
  readonly generateSpanId = (): string => this.next.spanId;
}

function contextOf(ids: TraceIds): SpanContext {
  return { ...ids, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

/** OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME go before what lsh knows of itself. */
function resourceOf(version: string): Resource {
  const own = { 'service.name': 'lsh', 'service.version': version, 'host.name': hostname() };
  return defaultResource()
    .merge(resourceFromAttributes(own))
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
}

/** The exporter with a line in the log when exports begin to fail, and when they succeed again. */
function reporting(exporter: SpanExporter, logger: Logger): SpanExporter {
  let fails = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const { error } = result;
        const message = 'spans are lost: the collector does not take them';
        if (error !== undefined && !fails) logger.warn({ detail: detailOf(error) }, message);
        if (error === undefined && fails) logger.info({}, 'the collector takes spans again');
        fails = error !== undefined;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

/** The body of an answer stays out of the log: it may repeat the headers of the request. */
function detailOf(error: Error & { code?: unknown }): string {
  const { code, message } = error;
  return typeof code === 'number' ? `the collector answers with status ${code}` : message;
}
