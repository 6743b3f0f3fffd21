// The variables of traces, with the names and the meaning that OpenTelemetry gives them. Its exporter reads further ones
// itself, such as OTEL_EXPORTER_OTLP_TIMEOUT.
import { text, url, type Variable } from './kinds.ts';

const PROTOCOL = 'http/protobuf';
const EXPORTER = 'otlp';

/** The variables, in the order of docs/configuration.md. */
export const OTEL_VARIABLES = {
  otlpEndpoint: endpoint(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'Collector of OpenTelemetry that gets a span of each run, at /v1/traces below this URL. The command gets `TRACEPARENT`.',
  ),
  otlpTracesEndpoint: endpoint(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'The whole URL for spans, in place of that one.',
  ),
  otlpProtocol: text('OTEL_EXPORTER_OTLP_PROTOCOL', 'With any other protocol, lsh exports nothing.', {
    shownDefault: PROTOCOL,
  }),
  otlpTracesProtocol: text('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'The same for spans.'),
  otlpHeaders: headers('OTEL_EXPORTER_OTLP_HEADERS', 'Headers of each export, as NAME=VALUE,NAME=VALUE.'),
  otlpTracesHeaders: headers('OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'Further headers for spans.'),
  otelTracesExporter: text('OTEL_TRACES_EXPORTER', 'Without otlp among the exporters, runs are not traced.', {
    shownDefault: EXPORTER,
  }),
  otelSdkDisabled: {
    ...text('OTEL_SDK_DISABLED', 'With true, runs are not traced.'),
    type: 'true or false',
    fallback: false,
    // The specification has every other value mean false.
    read: (value) => value.toLowerCase() === 'true',
  } as Variable<boolean>,
  otelServiceName: text('OTEL_SERVICE_NAME', 'Name of lsh in traces.', { shownDefault: 'lsh' }),
  otelResourceAttributes: text(
    'OTEL_RESOURCE_ATTRIBUTES',
    'Attributes of lsh in traces, as NAME=VALUE,NAME=VALUE.',
  ),
} satisfies Record<string, Variable<never> | Variable>;

type OtelValues = { readonly [K in keyof typeof OTEL_VARIABLES]: (typeof OTEL_VARIABLES)[K]['fallback'] };

function endpoint(name: string, description: string): Variable<string | undefined> {
  return { ...url(name, description), shared: true };
}

function headers(name: string, description: string): Variable<string | undefined> {
  return { ...text(name, description), secret: true };
}

/** Whether each run becomes a span. */
export function isTraced(values: OtelValues): boolean {
  return isWanted(values) && protocolOf(values) === PROTOCOL;
}

/** One sentence for traces that are asked for in a way that lsh lacks. */
export function traceWarnings(values: OtelValues): string[] {
  const protocol = protocolOf(values);
  if (!isWanted(values) || protocol === PROTOCOL) return [];
  return [
    `Runs are not traced: lsh exports ${PROTOCOL} alone, and OTEL_EXPORTER_OTLP_PROTOCOL asks for ${protocol}.`,
  ];
}

/** Settings of OpenTelemetry’s SDK that its packages for Node leave to the program, and lsh fixes. */
const UNREAD = /^OTEL_(?:TRACES_SAMPLER(?:_ARG)?|BSP_[A-Z_]+)$/;

/** One sentence for each of them that the user sets; none if runs are not traced. */
export function unreadTraceSettings(
  values: OtelValues,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  if (!isTraced(values)) return [];
  return Object.keys(env)
    .filter((name) => UNREAD.test(name) && env[name])
    .map((name) => `${name} has no effect: lsh samples every run and sends spans in batches of its own.`);
}

function isWanted(values: OtelValues): boolean {
  const {
    otlpEndpoint,
    otlpTracesEndpoint = otlpEndpoint,
    otelTracesExporter = EXPORTER,
    otelSdkDisabled,
  } = values;
  const exporters = otelTracesExporter.split(',').map((name) => name.trim());
  return otlpTracesEndpoint !== undefined && exporters.includes(EXPORTER) && !otelSdkDisabled;
}

function protocolOf({ otlpProtocol = PROTOCOL, otlpTracesProtocol = otlpProtocol }: OtelValues): string {
  return otlpTracesProtocol;
}
