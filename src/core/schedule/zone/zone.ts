// A time zone as a table of its transitions. A search through Intl fills it piece by piece, on the first question
// about a date; all schedules of the zone share it, and later questions call no Intl.

/** Shorter than any stretch between two transitions since 1970 (Boa Vista kept summer time for a week). */
const STEP = 3 * 86_400;
/** Four average years: one piece of a table. */
const PIECE = 4 * 365.25 * 86_400;
/** A query closer than this to the table's edge extends it, so that the changes next to the queried instant are known. */
const MARGIN = 10 * 86_400;

/** Segments of constant offset; all instants in seconds since the epoch. */
export interface Zone {
  readonly name: string;
  /** Start of each segment; the first is the table's edge, all others are transitions. */
  starts: number[];
  /** Seconds east of UTC. */
  offsets: number[];
  /** The table knows [from, to). */
  from: number;
  to: number;
  /** Offset from Intl, which is slow. */
  readonly offsetAt: (instant: number) => number;
}

/** One entry per zone in use, however many schedules use it. */
const zones = new Map<string, Zone>();

/** The shared table of a zone whose name was checked. */
export function zoneNamed(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone: Zone = { name, starts: [], offsets: [], from: 0, to: 0, offsetAt: intlOffset(name) };
  zones.set(name, zone);
  return zone;
}

/** Index of the segment that holds the instant (seconds since the epoch). */
export function segmentAt(zone: Zone, instant: number): number {
  if (instant - MARGIN < zone.from || instant + MARGIN >= zone.to) cover(zone, instant);
  const { starts } = zone;
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= instant) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Offset at the instant (seconds since the epoch), in seconds east of UTC. */
export function zoneOffset(zone: Zone, instant: number): number {
  // The search comes first: it may replace the table's arrays.
  const index = segmentAt(zone, instant);
  return zone.offsets[index]!;
}

/** First instant after the segment: a transition, or the table's edge. */
export function segmentEnd(zone: Zone, index: number): number {
  return zone.starts[index + 1] ?? zone.to;
}

/** Offset before the segment; the segment's own at the table's start. */
export function offsetBefore(zone: Zone, index: number): number {
  return zone.offsets[index === 0 ? 0 : index - 1]!;
}

function cover(zone: Zone, instant: number): void {
  const from = Math.floor((instant - MARGIN) / PIECE) * PIECE;
  const to = (Math.floor((instant + MARGIN) / PIECE) + 1) * PIECE;
  if (zone.starts.length === 0) {
    Object.assign(zone, { from, to: from, starts: [from], offsets: [zone.offsetAt(from)] });
  }
  if (to > zone.to) {
    const later = transitions(zone, zone.to, to);
    zone.starts.push(...later);
    zone.offsets.push(...later.map((at) => zone.offsetAt(at)));
    zone.to = to;
  }
  if (from < zone.from) {
    const earlier = transitions(zone, from, zone.from);
    zone.starts = [from, ...earlier, ...zone.starts.slice(1)];
    zone.offsets = [from, ...earlier].map((at) => zone.offsetAt(at)).concat(zone.offsets.slice(1));
    zone.from = from;
  }
}

/** The transitions in (from, to], each the first second of its offset. */
function transitions({ offsetAt }: Zone, from: number, to: number): number[] {
  const found: number[] = [];
  let offset = offsetAt(from);
  for (let at = from; at < to; at += STEP) {
    const end = Math.min(at + STEP, to);
    const later = offsetAt(end);
    if (later !== offset) found.push(bisect(offsetAt, at, end));
    offset = later;
  }
  return found;
}

function bisect(offsetAt: Zone['offsetAt'], from: number, to: number): number {
  const before = offsetAt(from);
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

function intlOffset(name: string): (seconds: number) => number {
  // The first question to Intl costs a sixth of the daemon's memory budget, and UTC needs none.
  if (name === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  return (seconds) => {
    const [, sign, hours, minutes, rest] =
      /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(seconds * 1000)) ?? [];
    if (sign === undefined) return 0;
    const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest ?? 0);
    return sign === '-' ? -size : size;
  };
}
