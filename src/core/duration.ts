// Durations as users write and read them.

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** `1h`, `1 hour`, `90 sec`; a comma or a blank may follow. */
const PART =
  /(\d+(?:\.\d+)?) ?(ms|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)(?![a-z])(?:, ?| )?/y;

/**
 * Returns the milliseconds of `90s`, `5m`, `1h30m`, `2 hours`, `1 day 4 hours` or a plain number of seconds; undefined
 * for other text.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  let total = 0;
  let position = 0;
  while (position < trimmed.length) {
    PART.lastIndex = position;
    const part = PART.exec(trimmed);
    if (part === null) return undefined;
    const unit = part[2]!;
    total += Number(part[1]) * UNIT_MS[unit === 'ms' ? unit : unit.charAt(0)]!;
    position = PART.lastIndex;
  }
  return position === 0 ? undefined : Math.round(total);
}

/** A limit for durations: in milliseconds, or as a multiple of what is usual. */
export type DurationLimit = { ms: number } | { factor: number };

/** Reads `90s` or `2x`; undefined for other text. */
export function parseDurationLimit(text: string): DurationLimit | undefined {
  const [, factor] = /^(\d+(?:\.\d+)?) ?x$/.exec(text.trim()) ?? [];
  if (factor !== undefined) return { factor: Number(factor) };
  const ms = parseDuration(text);
  return ms === undefined ? undefined : { ms };
}

/** Formats milliseconds for readers: `350ms`, `2.4s`, `45s`, `1m 30s`, `1h 30m`, `2d 4h`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  if (ms < 9950) return `${(Math.round(ms / 100) / 10).toFixed(1).replace('.0', '')}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return inTwoUnits(seconds, 60, ['m', 's']);
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return inTwoUnits(minutes, 60, ['h', 'm']);
  return inTwoUnits(Math.round(minutes / 60), 24, ['d', 'h']);
}

function inTwoUnits(amount: number, size: number, [large, small]: readonly [string, string]): string {
  const rest = amount % size;
  const whole = `${Math.floor(amount / size)}${large}`;
  return rest === 0 ? whole : `${whole} ${rest}${small}`;
}
