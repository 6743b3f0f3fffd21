// Reads passing bytes as they are and as decoded text, and finds words in each reading: a command that encodes a value
// does not hide it. Offsets count the bytes of the output.
import type { SearchState, WordSearch } from './word-search.ts';

/** Called with the bytes [start, end) of the output, which hold a word. */
export type OnFound = (start: number, end: number) => void;

export interface Reading {
  /** Reads the next bytes; the first one is at the offset. */
  push: (bytes: Uint8Array, offset: number) => void;
  /** From where on the bytes may be the beginning of a word; Infinity if they are not. */
  openFrom: () => number;
}

/** One search, and where in the output the last symbols of its text began. */
class Search {
  readonly #words: WordSearch;
  readonly #onFound: OnFound;
  /** A ring. */
  readonly #starts: Float64Array;
  #at = 0;
  #state: SearchState = 0;

  constructor(words: WordSearch, onFound: OnFound) {
    this.#words = words;
    this.#onFound = onFound;
    this.#starts = new Float64Array(2 ** Math.ceil(Math.log2(words.longest + 1)));
  }

  /** The next symbol; it stands in the bytes [start, end) of the output. */
  push(symbol: number, start: number, end: number): void {
    if (this.#state === 0 && !this.#words.begins(symbol)) return;
    this.#starts[this.#at] = start;
    this.#at = (this.#at + 1) & (this.#starts.length - 1);
    this.#state = this.#words.next(this.#state, symbol);
    const length = this.#words.found[this.#state]!;
    if (length > 0) this.#onFound(this.#startOfLast(length), end);
  }

  /** The offset where an unfinished word began, once at least `depth` of its symbols have come; else Infinity. */
  openFrom(depth: number): number {
    const length = this.#words.depths[this.#state]!;
    return length < depth ? Infinity : this.#startOfLast(length);
  }

  #startOfLast(length: number): number {
    return this.#starts[(this.#at - length) & (this.#starts.length - 1)]!;
  }

  reset(): void {
    this.#state = 0;
  }
}

export function readings(words: WordSearch, onFound: OnFound): Reading[] {
  const search = () => new Search(words, onFound);
  return [
    plain(search()),
    escaped(search(), PERCENT, decodePercent),
    escaped(search(), BACKSLASH, decodeBackslash),
    base64([search(), search(), search(), search()]),
  ];
}

function plain(search: Search): Reading {
  const push = (bytes: Uint8Array, offset: number) => {
    for (let at = 0; at < bytes.length; at++) search.push(bytes[at]!, offset + at, offset + at + 1);
  };
  return { push, openFrom: () => search.openFrom(1) };
}

/** The bytes of an escape that is complete; 'open' while bytes are missing; 'none' if it is no escape. */
type Decoded = readonly number[] | 'open' | 'none';

const PERCENT = '%'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const HEX = /^[\da-f]*$/i;

function escaped(search: Search, sign: number, decode: (escape: string) => Decoded): Reading {
  let escape = '';
  let start = 0;
  const push = (bytes: Uint8Array, offset: number) => {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (escape === '' && byte !== sign) search.push(byte, offset + at, offset + at + 1);
      else pushEscape(byte, offset + at);
    }
  };
  const pushEscape = (byte: number, at: number) => {
    if (escape === '') {
      if (byte !== sign) return search.push(byte, at, at + 1);
      start = at;
    }
    const longer = escape + String.fromCharCode(byte);
    const decoded = decode(longer);
    escape = decoded === 'open' ? longer : '';
    if (decoded === 'open') return;
    if (decoded !== 'none') return decoded.forEach((symbol) => search.push(symbol, start, at + 1));
    // The bytes are no escape and count as they are; the last one may begin an escape.
    for (let index = 0; index < longer.length - 1; index++)
      search.push(longer.charCodeAt(index), start + index, start + index + 1);
    pushEscape(byte, at);
  };
  return { push, openFrom: () => Math.min(search.openFrom(1), escape === '' ? Infinity : start) };
}

/** `%41` */
function decodePercent(escape: string): Decoded {
  const digits = escape.slice(1);
  if (!HEX.test(digits)) return 'none';
  return digits.length < 2 ? 'open' : [Number.parseInt(digits, 16)];
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** As in JSON and in most languages: `\"`, `\n`, `\u0041`; a character beyond U+FFFF is a pair such as `\ud83d\ude00`. */
function decodeBackslash(escape: string): Decoded {
  const letter = escape[1];
  if (letter === undefined) return 'open';
  if (letter !== 'u') return /["'\\/bfnrt]/.test(letter) ? bytesOf(SHORT_ESCAPES[letter] ?? letter) : 'none';
  if (!HEX.test(escape.slice(2, 6))) return 'none';
  if (escape.length < 6) return 'open';
  const unit = Number.parseInt(escape.slice(2, 6), 16);
  if (unit < 0xd800 || unit > 0xdbff) return bytesOf(String.fromCharCode(unit));
  const second = escape.slice(6);
  if (!'\\u'.startsWith(second.slice(0, 2)) || !HEX.test(second.slice(2))) return 'none';
  if (second.length < 6) return 'open';
  return bytesOf(String.fromCharCode(unit, Number.parseInt(second.slice(2), 16)));
}

const bytesOf = (text: string): readonly number[] => [...Buffer.from(text)];

const NO_LETTER = -1;
const LINE_BREAK = -2;
/** By byte: the six bits of a letter of either alphabet of base64, the standard and the URL-safe. */
const SEXTETS = new Int8Array(256).fill(NO_LETTER);
for (const alphabet of ['+/', '-_'])
  Buffer.from(`ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${alphabet}`).forEach(
    (letter, bits) => (SEXTETS[letter] = bits),
  );
SEXTETS[0x0a] = SEXTETS[0x0d] = LINE_BREAK;

/**
 * Fewer symbols of a word hold no output back: otherwise the ends of most lines would wait for the next line. A word is
 * still found when its rest follows later; then its first four letters are shown.
 */
const BASE64_HELD_FROM = 3;

/** A line break, as CR and LF. More of them end the encoded text: held output would grow with each of them. */
const LINE_BREAK_MAX_BYTES = 2;

/** In each of the four places where a group of four letters can begin, with line breaks anywhere. */
function base64(searches: readonly [Search, Search, Search, Search]): Reading {
  let bits = 0;
  let letters = 0;
  let letterAt = 0;
  let breaks = 0;
  const push = (bytes: Uint8Array, offset: number) => {
    for (let at = 0; at < bytes.length; at++) {
      const sextet = SEXTETS[bytes[at]!]!;
      if (sextet >= 0) pushSextet(sextet, offset + at);
      else if (letters > 0 && (sextet === NO_LETTER || ++breaks > LINE_BREAK_MAX_BYTES)) {
        for (const search of searches) search.reset();
        letters = 0;
      }
    }
  };
  const pushSextet = (sextet: number, at: number) => {
    bits = ((bits << 6) | sextet) & 0xfff;
    // Each byte has bits of two letters.
    if (letters > 0)
      for (let place = 1; place <= 3; place++)
        searches[(letters - place) & 3]!.push((bits >> (6 - 2 * place)) & 0xff, letterAt, at + 1);
    letterAt = at;
    letters++;
    breaks = 0;
  };
  const openFrom = () => Math.min(...searches.map((search) => search.openFrom(BASE64_HELD_FROM)));
  return { push, openFrom };
}
