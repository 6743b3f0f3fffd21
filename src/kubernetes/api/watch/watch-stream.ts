// The body of a watch as events: one JSON document per line.
import { statusError, type StatusBody } from '../api-errors.ts';
import type { KubeObject } from '../objects.ts';

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Nothing changed up to this resourceVersion. */
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } };

/** A line that is not JSON. Its event is lost, so the informer must list again. */
export class UnreadableEvent extends Error {}

/**
 * Yields events until the stream ends. Throws the ApiException that an ERROR event stands for, and UnreadableEvent
 * for a line that is not JSON.
 */
export async function* watchEvents<T extends KubeObject>(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines(body)) {
    const event = parse<T>(line);
    if (event.type === 'ERROR') throw statusError(event.object);
    yield event;
  }
}

function parse<T>(line: string): WatchEvent<T> | { type: 'ERROR'; object: StatusBody } {
  try {
    return JSON.parse(line) as WatchEvent<T>;
  } catch (cause) {
    throw new UnreadableEvent(`a watch sent ${line.length} characters that are not JSON`, { cause });
  }
}

// A last line without a newline was cut off with the connection; the next watch sends its event again.
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    const ends = text.lastIndexOf('\n');
    if (ends === -1) {
      rest += text;
      continue;
    }
    const whole = rest + text.slice(0, ends);
    rest = text.slice(ends + 1);
    for (const line of whole.split('\n')) if (line !== '') yield line;
  }
}
