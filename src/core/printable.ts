// Text from elsewhere (a server, a job, a file) for a terminal, which such a text must not control: it could move the
// cursor, rewrite lines above it, or show its words in another order.

/**
 * The controls above ASCII (U+009B is ESC [ in one character), both line separators, and the marks that turn the direction
 * of text. The joiners of Persian words and of emoji are none of them.
 */
const BEYOND_ASCII = String.raw`\u007F-\u009F\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069`;
const TEXT = new RegExp(String.raw`(?:\t|[^\u0000-\u001F${BEYOND_ASCII}])*`, 'y');
const CONTROLS = new RegExp(String.raw`[\u0000-\u001F${BEYOND_ASCII}]+`, 'g');
/** JSON and YAML write those of ASCII as escape sequences themselves. */
const LEFT_BY_WRITERS = new RegExp(`[${BEYOND_ASCII}]`, 'g');

/** The text with a space for each sequence of control characters. */
export function printable(text: string): string {
  return text.replaceAll(CONTROLS, ' ');
}

/** The text as one line without control characters. */
export function oneLine(text: string): string {
  return printable(text).trim();
}

/** Whether a text that JSON or YAML has written still holds control characters other than line ends. */
export function hasControls(written: string): boolean {
  return written.search(LEFT_BY_WRITERS) !== -1;
}

/** The text, within quotes of JSON or YAML, with an escape sequence for each of them: a parser reads the same text. */
export function withEscapes(written: string): string {
  return written.replaceAll(
    LEFT_BY_WRITERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The text from the offset up to the next control character; a tab is text. */
export function textFrom(text: string, offset: number): string {
  TEXT.lastIndex = offset;
  return TEXT.exec(text)?.[0] ?? '';
}
