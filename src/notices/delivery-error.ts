// Why a channel did not take a notice, and whether it may take it later.

export interface DeliveryFault {
  /** The same message may be taken later. */
  retryable: boolean;
  /** The receiver asks for at least this pause, milliseconds. */
  retryAfterMs?: number;
  /** The receiver is gone for good: no message will be taken. */
  gone?: true;
}

export class DeliveryError extends Error {
  readonly fault: DeliveryFault;

  /** The message becomes a part of sentences: a full stop at its end, as other errors have, goes. */
  constructor(message: string, fault: DeliveryFault, cause?: unknown) {
    super(message.replace(/\.$/, ''), { cause });
    this.fault = fault;
  }
}

/** Longest pause that a receiver may ask for. */
const PAUSE_MAX_MS = 3_600_000;
/** Answers of 400 and more that another try may change. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** The fault of an answer that is no success. */
export function httpFault(status: number, retryAfter: string | null, now: number): DeliveryFault {
  if (status === 410) return { retryable: false, gone: true };
  if (status < 500 && !PASSING.has(status)) return { retryable: false };
  const retryAfterMs = pauseOf(retryAfter, now);
  return { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** `Retry-After`: seconds, or a date. */
function pauseOf(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), PAUSE_MAX_MS);
}
