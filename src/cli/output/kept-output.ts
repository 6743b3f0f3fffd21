// The kept output of all runs and its limit, as `lsh daemon status` and `lsh doctor` show them.
import type { DaemonStatus } from '../../local/socket/protocol.ts';

/** `3 MiB of 1024 MiB (LSH_MAX_LOG_BYTES)`. */
export function keptOutputText({ bytes, maxBytes }: DaemonStatus['output']): string {
  return `${mebibytes(bytes)} of ${mebibytes(maxBytes)} (LSH_MAX_LOG_BYTES)`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
