// The beginning and the end of a log that arrives as a stream, within a limit of memory.
import { keptBytes, type KeptOutput } from '../core/record/output-chunks.ts';

/** Undefined for an empty log. Rejects as the stream does. */
export async function keptEnds(
  log: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<KeptOutput | undefined> {
  const limit = keptBytes(maxBytes);
  let head = Buffer.alloc(0);
  const rest: Uint8Array[] = [];
  let [size, restBytes] = [0, 0];
  for await (const bytes of log) {
    size += bytes.length;
    const room = Math.min(limit.head - head.length, bytes.length);
    if (room > 0) head = Buffer.concat([head, bytes.subarray(0, room)]);
    const more = bytes.subarray(Math.max(room, 0));
    rest.push(more);
    restBytes += more.length;
    while (restBytes - rest[0]!.length >= limit.end) restBytes -= rest.shift()!.length;
  }
  return size === 0 ? undefined : { size, head, end: Buffer.concat(rest).subarray(-limit.end) };
}
