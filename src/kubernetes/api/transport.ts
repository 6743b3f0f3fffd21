// Sends one call on its dispatcher. Not by fetch, as the library does: the web streams of fetch cost more CPU than all
// other parts of a call together.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { ResponseContext, type RequestContext } from '@kubernetes/client-node';
import { request as send, type Dispatcher } from 'undici';

/** The answer to a call. Its body is read once, by one of the two ways. */
export interface Answer {
  httpStatusCode: number;
  headers: Record<string, string>;
  body: {
    text(): Promise<string>;
    stream(): AsyncIterable<Uint8Array>;
  };
}

/** Resolves with the answer, whatever its status. Rejects if none came, or with the reason of the signal. */
export async function transport(call: RequestContext): Promise<Answer> {
  const method = call.getHttpMethod();
  const answer = await send(call.getUrl(), {
    method: method as Dispatcher.HttpMethod,
    // The API server compresses long answers to reads.
    headers: { ...call.getHeaders(), ...(method === 'GET' && { 'Accept-Encoding': 'gzip' }) },
    body: call.getBody() as string | undefined,
    signal: call.getSignal(),
    dispatcher: call.getDispatcher(),
  });
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
  return {
    httpStatusCode: answer.statusCode,
    headers: Object.fromEntries(headers) as Answer['headers'],
    body: answer.headers['content-encoding'] === 'gzip' ? unzipped(answer.body) : plain(answer.body),
  };
}

/** The answer as the library’s typed clients read it. */
export async function typedAnswer(answer: Answer): Promise<ResponseContext> {
  const content = await answer.body.text();
  return new ResponseContext(answer.httpStatusCode, answer.headers, {
    text: () => Promise.resolve(content),
    binary: () => Promise.resolve(Buffer.from(content)),
    stream: () => new Response(content).body,
  });
}

/** The body of an answer that is read already. */
export function readBody(content: string): Answer['body'] {
  return { text: () => Promise.resolve(content), stream: () => Readable.from([Buffer.from(content)]) };
}

function plain(body: Dispatcher.ResponseData['body']): Answer['body'] {
  return { text: () => body.text(), stream: () => body };
}

function unzipped(body: Readable): Answer['body'] {
  const content = body.compose(createGunzip());
  return { text: () => text(content), stream: () => content as AsyncIterable<Uint8Array> };
}
