// Splits rows into batches that a server accepts and answers in time.

export interface BatchLimits {
  rows: number;
  /** Size of the rows as JSON in UTF-8. */
  bytes: number;
}

/** Keeps the order; a row beyond the byte limit gets a batch of its own. */
export async function* batches<T>(
  rows: Iterable<T> | AsyncIterable<T>,
  limits: BatchLimits,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for await (const row of rows) {
    const size = Buffer.byteLength(JSON.stringify(row)) + 1; // the comma
    if (batch.length > 0 && (batch.length === limits.rows || bytes + size > limits.bytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
