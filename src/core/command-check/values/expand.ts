// Fills known values into a word, as a shell would: variables, their defaults, braces. The result may be several words.
import { MAX_VALUE, MAX_WORDS, type Budget } from '../budget.ts';
import { mergeFlows, NO_FLOW, type Flow } from '../invocation.ts';
import type { Expanded, Scope } from './scope.ts';
import type { Word } from '../shell/script.ts';

export interface ExpandContext {
  scope: Scope;
  budget: Budget;
}

/** `${NAME}`, with an operator and its operand. */
const EXPANSION =
  /\$\{([A-Za-z_]\w{0,254}|[0-9@*])(?:(\[[@*]\])|(:?[-=+?]|[%#/^,:])((?:[^{}$]|\$(?!\{)|\$\{\w{1,255}\})*))?\}/g;

/** The words that this word stands for; `output` is what its substitutions print. */
export function expandWord(word: Word, output: Flow, context: ExpandContext): Expanded {
  let flow = output;
  let texts = [word.text];
  if (word.text.includes('${')) ({ texts, flow } = fillIn(word, output, context));
  const printed = knownOutput(word, output);
  if (printed !== undefined) texts = texts.map((text) => text.replace('$()', () => printed));
  if (word.braces) texts = texts.flatMap(expandBraces).slice(0, MAX_WORDS);
  if (texts.length > 1) context.budget.spendExpansion(totalLength(texts));
  return { texts, flow };
}

/** What the one substitution of a word prints, if that is a short known text. */
function knownOutput(
  { scripts }: Word,
  { texts: [text, ...others], downloaded, decoded }: Flow,
): string | undefined {
  if (scripts.length !== 1 || text === undefined || others.length > 0 || downloaded || decoded)
    return undefined;
  return text.length <= MAX_VALUE && !text.includes('$()') ? text.trim() : undefined;
}

function totalLength(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

function fillIn({ text, quoted }: Word, output: Flow, context: ExpandContext): Expanded {
  let flow = output;
  let texts = [''];
  let end = 0;
  for (const match of text.matchAll(EXPANSION)) {
    const known = valueOf(match, context.scope);
    if (known) {
      flow = mergeFlows(flow, known.flow);
      context.budget.spendExpansion(totalLength(known.texts) * texts.length);
    }
    texts = append(texts, text.slice(end, match.index), known?.texts ?? [match[0]]);
    end = match.index + match[0].length;
  }
  texts = append(texts, text.slice(end), ['']);
  if (quoted) return { texts, flow };
  // Without quotes the shell splits what a variable holds, and drops an empty word.
  return { texts: texts.flatMap((each) => each.split(/\s+/).filter((part) => part !== '')), flow };
}

function append(texts: readonly string[], literal: string, endings: readonly string[]): string[] {
  if (texts.length === 1 && endings.length === 1) return [`${texts[0]!}${literal}${endings[0]!}`];
  return texts.flatMap((text) => endings.map((ending) => `${text}${literal}${ending}`)).slice(0, MAX_WORDS);
}

/** The value of an expansion; undefined if only the run knows it. */
function valueOf(match: RegExpMatchArray, scope: Scope): Expanded | undefined {
  const [, name, , operator = '', operand = ''] = match as unknown as [
    string,
    string,
    string?,
    string?,
    string?,
  ];
  const known = knownValue(name, scope);
  switch (operator.replace(':', '')) {
    case '+':
      return known && literal(operand);
    case '-':
      return isSet(known, operator) ? known : literal(operandText(operand, scope));
    case '=':
      if (!isSet(known, operator)) scope.set(name, literal(operandText(operand, scope)));
      return scope.get(name) ?? known;
    default:
      // What `%`, `#` and `/` cut from a value is short; the whole value stands for it.
      return known;
  }
}

function knownValue(name: string, scope: Scope): Expanded | undefined {
  if (name === 'PWD') return literal(scope.directory);
  return scope.get(name) ?? (name === 'HOME' ? literal('${HOME}') : undefined);
}

/** With a colon, an empty value counts as not set. */
function isSet(known: Expanded | undefined, operator: string): boolean {
  if (known === undefined) return false;
  return !operator.startsWith(':') || known.texts.some((text) => text !== '');
}

/** The operand may name variables in turn: `${DIR:-$HOME}`. */
function operandText(operand: string, scope: Scope): string {
  if (operand === '~' || operand.startsWith('~/')) return `\${HOME}${operand.slice(1)}`;
  return operand.replaceAll(
    /\$\{(\w{1,255})\}/g,
    (whole, name: string) => scope.get(name)?.texts[0] ?? whole,
  );
}

function literal(text: string): Expanded {
  return { texts: [text], flow: NO_FLOW };
}

/** Assigns `NAME=VALUE`, `NAME+=VALUE` or the elements of an array. A long or computed value is unknown. */
export function assign(name: string, { texts, flow }: Expanded, scope: Scope): void {
  const isShort = texts.length <= MAX_WORDS && totalLength(texts) <= MAX_VALUE;
  const isKnown = isShort && !texts.some((text) => text.includes('$()'));
  if (isKnown) scope.set(name, { texts, flow });
  else scope.set(name, flow === NO_FLOW ? undefined : { texts: [`\${${name}}`], flow });
}

/** The words of `a{b,c}d`: `abd`, `acd`. Braces without a comma, and those of `${NAME}`, stay. */
export function expandBraces(text: string): string[] {
  const pairs = commaPairs(text);
  return pairs.size === 0 ? [text] : product(text, [0, text.length], pairs);
}

const MAX_BRACE_DEPTH = 8;

interface Pair {
  end: number;
  commas: number[];
}

/** Each opening brace whose pair holds a comma, found in one pass. */
function commaPairs(text: string): Map<number, Pair> {
  const pairs = new Map<number, Pair>();
  const open: { start: number; commas: number[] }[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{') open.push({ start: text[at - 1] === '$' ? -1 : at, commas: [] });
    else if (char === ',') open.at(-1)?.commas.push(at);
    else if (char === '}') {
      const { start, commas } = open.pop() ?? { start: -1, commas: [] };
      if (start >= 0 && commas.length > 0) pairs.set(start, { end: at, commas });
    }
  }
  return pairs;
}

function product(
  text: string,
  [from, to]: readonly [number, number],
  pairs: ReadonlyMap<number, Pair>,
  depth = 0,
): string[] {
  let results = [''];
  let literalStart = from;
  for (let at = from; at < to; at++) {
    const pair = pairs.get(at);
    if (!pair || depth >= MAX_BRACE_DEPTH) continue;
    const bounds = [at, ...pair.commas, pair.end];
    const choices = bounds
      .slice(1)
      .flatMap((end, index) => product(text, [bounds[index]! + 1, end], pairs, depth + 1))
      .slice(0, MAX_WORDS);
    results = append(results, text.slice(literalStart, at), choices);
    at = pair.end;
    literalStart = at + 1;
  }
  return append(results, text.slice(literalStart, to), ['']);
}
