// A collector of OpenTelemetry on loopback: a real HTTP server that reads OTLP in its binary form, after the .proto files
// of the protocol.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { eventually } from '../eventually.ts';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  /** Milliseconds. */
  startedAt: number;
  endedAt: number;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  status: { code: number; message: string };
  resource: Record<string, unknown>;
}

/** Answers an export; without an answer it hangs. */
type Answer = (response: ServerResponse, number: number) => void;

export const takes: Answer = (response) => void response.writeHead(200).end();
export const hangs: Answer = () => undefined;

export interface Collector {
  url: string;
  answer: Answer;
  exports: { path: string; headers: IncomingHttpHeaders }[];
  spans: ReceivedSpan[];
  /** Resolves with the span of the run. */
  spanOf(run: string): Promise<ReceivedSpan>;
  /** Resolves once so many exports have come. */
  called(count: number): Promise<void>;
}

export async function aCollector(answer: Answer = takes): Promise<Collector> {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      collector.spans.push(...spansIn(body));
      collector.exports.push({ path: request.url ?? '', headers: request.headers });
      collector.answer(response, collector.exports.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.close().closeAllConnections());
  const runOf = ({ attributes }: ReceivedSpan) => attributes['cicd.pipeline.run.id'];
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer,
    exports: [],
    spans: [],
    spanOf: async (run) => {
      await eventually(() => collector.spans.some((span) => runOf(span) === run), { what: `span of ${run}` });
      return collector.spans.find((span) => runOf(span) === run)!;
    },
    called: async (count) =>
      void (await eventually(() => collector.exports.length >= count, { what: `${count} exports` })),
  };
  return collector;
}

/** The value of TRACEPARENT that belongs to the span. */
export function traceparent({ traceId, spanId }: Pick<ReceivedSpan, 'traceId' | 'spanId'>): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The fields of a message of Protocol Buffers, each with its values. */
type Message = Map<number, (Buffer | bigint)[]>;

function messageIn(bytes: Buffer): Message {
  const message: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = Number(varint());
    const read = {
      0: varint,
      1: () => take(8).readBigUInt64LE(),
      2: () => take(Number(varint())),
      5: () => BigInt(take(4).readUInt32LE()),
    }[tag & 7]!;
    const field = tag >> 3;
    message.set(field, [...(message.get(field) ?? []), read()]);
  }
  return message;
}

const messages = (message: Message, field: number): Message[] =>
  (message.get(field) ?? []).map((value) => messageIn(value as Buffer));
const hex = (message: Message, field: number): string =>
  (message.get(field)?.[0] as Buffer)?.toString('hex') ?? '';
const text = (message: Message, field: number): string =>
  (message.get(field)?.[0] as Buffer)?.toString() ?? '';
const number = (message: Message, field: number): number => Number(message.get(field)?.[0] ?? 0);
const milliseconds = (message: Message, field: number): number =>
  Number(((message.get(field)?.[0] as bigint) ?? 0n) / 1_000_000n);

function spansIn(request: Buffer): ReceivedSpan[] {
  return messages(messageIn(request), 1).flatMap((ofResource) => {
    const resource = attributesIn(messages(ofResource, 1)[0]!, 1);
    const spans = messages(ofResource, 2).flatMap((ofScope) => messages(ofScope, 2));
    return spans.map((span) => spanIn(span, resource));
  });
}

function spanIn(span: Message, resource: Record<string, unknown>): ReceivedSpan {
  const status = messages(span, 15)[0] ?? new Map();
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: number(span, 6),
    startedAt: milliseconds(span, 7),
    endedAt: milliseconds(span, 8),
    attributes: attributesIn(span, 9),
    links: messages(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    status: { code: number(status, 3), message: text(status, 2) },
    resource,
  };
}

function attributesIn(message: Message, field: number): Record<string, unknown> {
  return Object.fromEntries(
    messages(message, field).map((pair) => {
      const value = messages(pair, 2)[0] ?? new Map();
      return [text(pair, 1), value.has(1) ? text(value, 1) : value.has(3) ? number(value, 3) : value];
    }),
  );
}
