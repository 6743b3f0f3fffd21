// Real receivers on loopback: an HTTP server that answers as the test says, and keeps what it got.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { eventually } from '../eventually.ts';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Answers a request; the number counts them from 1. Without an answer the request hangs. */
type Answer = (response: ServerResponse, number: number, received: Received) => void;

export const ok: Answer = (response) => void response.writeHead(204).end();
export const hangs: Answer = () => undefined;
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end('an answer');

export interface Receiver {
  url: string;
  received: Received[];
  answer: Answer;
  /** Resolves once so many requests have come. */
  heard: (count: number) => Promise<Received[]>;
}

export async function aReceiver(answer: Answer = ok): Promise<Receiver> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const received = { path: request.url ?? '', headers: request.headers, body };
      receiver.received.push(received);
      receiver.answer(response, receiver.received.length, received);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    received: [],
    answer,
    heard: async (count) => {
      const { received } = receiver;
      await eventually(() => received.length >= count, { what: `${count} requests` });
      return received;
    },
  };
  return receiver;
}
