// The output of a command on its way to a terminal: keeps text and colours. Whatever else controls a terminal is dropped: a
// command, or a file that it prints, could otherwise move the cursor, set the title, or rewrite what stands above.
import { textFrom } from '../../core/printable.ts';

/** Where the filter is within an escape sequence (ECMA-48). */
type State = 'text' | 'escape' | 'intermediate' | 'csi' | 'string' | 'string escape';

const ESC = '\u001B';
/** Control strings (titles, links, pictures), as ESC with one of these or as one character. */
const STRINGS_BY_ESC = ']PX^_';
const STRINGS = '\u0090\u0098\u009D\u009E\u009F';
const STRING_ENDS = '\u0007\u009C\u0018\u001A';
/** A longer sequence has no meaning. */
const SEQUENCE_MAX_LENGTH = 100;

/** Reads the output of one run in parts, which may split a character or a sequence anywhere. */
export class ColoursOnly {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #state: State = 'text';
  /** The sequence so far, without its ESC and bracket; undefined if it cannot be a colour. */
  #parameters: string | undefined;
  #isColoured = false;
  /** A carriage return waits for the line feed that may follow. */
  #isReturned = false;
  #isLineEmpty = true;
  #kept = '';

  /** What the terminal may see of the part. */
  pass(part: Uint8Array): string {
    return this.#take(this.#decoder.decode(part, { stream: true }));
  }

  /** The rest; ends a colour that the output leaves on. */
  end(): string {
    const rest = this.#take(this.#decoder.decode());
    return this.#isColoured ? `${rest}${ESC}[0m` : rest;
  }

  #take(text: string): string {
    this.#kept = '';
    for (let offset = 0; offset < text.length;) {
      const stretch = this.#state === 'text' ? textFrom(text, offset) : '';
      if (stretch === '') this.#read(text.charAt(offset));
      else this.#keep(stretch);
      offset += stretch.length || 1;
    }
    return this.#kept;
  }

  #read(character: string): void {
    switch (this.#state) {
      case 'text':
        return this.#readText(character);
      case 'escape':
        return this.#readEscape(character);
      case 'intermediate':
        if (isWithin(character, ' ', '/')) return;
        return this.#leave(character, isWithin(character, '0', '~'));
      case 'csi':
        return this.#readCsi(character);
      case 'string':
        return this.#readString(character);
      case 'string escape':
        if (character === '\\') return this.#leave(character, true);
        this.#state = 'escape';
        return this.#readEscape(character);
    }
  }

  #readText(character: string): void {
    if (textFrom(character, 0) !== '') this.#keep(character);
    else if (character === '\n') this.#newLine();
    else if (character === '\r') this.#isReturned = true;
    else if (character === ESC) this.#state = 'escape';
    else if (character === '\u009B') this.#enterCsi(undefined);
    else if (STRINGS.includes(character)) this.#state = 'string';
  }

  /** Text behind a carriage return would write over its line, and gets a line of its own. */
  #keep(text: string): void {
    if (this.#isReturned && !this.#isLineEmpty) this.#newLine();
    this.#isReturned = false;
    this.#kept += text;
    this.#isLineEmpty = false;
  }

  #newLine(): void {
    this.#kept += '\n';
    this.#isReturned = false;
    this.#isLineEmpty = true;
  }

  #readEscape(character: string): void {
    if (character === '[') this.#enterCsi('');
    else if (STRINGS_BY_ESC.includes(character)) this.#state = 'string';
    else if (isWithin(character, ' ', '/')) this.#state = 'intermediate';
    else this.#leave(character, isWithin(character, '0', '~'));
  }

  #enterCsi(parameters: string | undefined): void {
    this.#state = 'csi';
    this.#parameters = parameters;
  }

  #readCsi(character: string): void {
    if (isWithin(character, ' ', '?')) {
      const isColour = /[\d;:]/.test(character) && (this.#parameters?.length ?? 0) < SEQUENCE_MAX_LENGTH;
      this.#parameters =
        isColour && this.#parameters !== undefined ? this.#parameters + character : undefined;
      return;
    }
    if (character === 'm' && this.#parameters !== undefined) {
      this.#kept += `${ESC}[${this.#parameters}m`;
      this.#isColoured = !/^0*$/.test(this.#parameters);
    }
    this.#leave(character, isWithin(character, '@', '~'));
  }

  /** A line ends an unfinished string, which would swallow the rest of the output. */
  #readString(character: string): void {
    if (character === ESC) this.#state = 'string escape';
    else if (STRING_ENDS.includes(character)) this.#leave(character, true);
    else if (character === '\n' || character === '\r') this.#leave(character, false);
  }

  /** Goes on with text; a character that does not belong to the sequence is text. */
  #leave(character: string, isPart: boolean): void {
    this.#state = 'text';
    if (!isPart) this.#readText(character);
  }
}

function isWithin(character: string, first: string, last: string): boolean {
  return character >= first && character <= last && character.length === 1;
}
