// Many rows as several requests that a server takes and answers in time.

export interface BatchLimits {
  rows: number;
  /** Of the rows as JSON in UTF-8. */
  bytes: number;
}

/** The rows in their order, in batches within both limits; a row that is too large by itself goes alone. */
export function* batches<T>(rows: Iterable<T>, limits: BatchLimits): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = Buffer.byteLength(JSON.stringify(row)) + 1; // and a comma
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
