// The meaning of one expression: cron fields, a macro, @every or @reboot.
import { parseDuration } from '../../duration.ts';
import { LshError } from '../../errors.ts';
import { dayNumber } from '../calendar.ts';
import { FieldError, fieldValues } from './fields.ts';
import { compilePattern, matchingDays, type Pattern } from './pattern.ts';

/** The meaning of an expression, without a zone or an anchor. */
export type Expression =
  | { kind: 'cron'; pattern: Pattern }
  | { kind: 'every'; seconds: number }
  | { kind: 'reboot' };

const MACROS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};
const MAX_LENGTH = 512;
const MAX_EVERY_SECONDS = 366 * 86_400;

/**
 * Reads an expression; `seed` decides where `H` falls.
 * Throws SCHEDULE_INVALID with the fault and the way to write it.
 */
export function parseExpression(expression: string, seed: string): Expression {
  const text = expression.trim();
  if (text === '') throw invalid(expression, 'it is empty');
  if (text.length > MAX_LENGTH) {
    throw invalid(`${text.slice(0, 40)}…`, `it is longer than ${MAX_LENGTH} characters`);
  }
  if (/^(CRON_)?TZ=/i.test(text)) {
    const zone = /=(\S*)/.exec(text)?.[1] ?? '';
    throw invalid(
      expression,
      'a time zone does not belong in the expression',
      `Set timeZone (--tz) to ${zone || 'the zone’s name'} instead.`,
    );
  }
  return text.startsWith('@') ? parseMacro(expression, text) : parseCron(expression, text.split(/\s+/), seed);
}

function parseMacro(expression: string, text: string): Expression {
  const [name = '', ...rest] = text.toLowerCase().split(/\s+/);
  if (name === '@every') return parseEvery(expression, rest.join(''));
  if (name === '@reboot' && rest.length === 0) return { kind: 'reboot' };
  const fields = MACROS[name];
  if (fields === undefined || rest.length > 0) {
    const known = [...Object.keys(MACROS), '@every 90s', '@reboot'].join(' ');
    throw invalid(expression, `there is no macro ${text}`, `The macros are ${known}.`);
  }
  return parseCron(expression, fields.split(' '), '-');
}

function parseEvery(expression: string, length: string): Expression {
  const ms = parseDuration(length);
  const hint = 'Write it as `@every 90s`, `@every 5m` or `@every 1h30m`, from one second to 366 days.';
  if (ms === undefined) throw invalid(expression, '@every needs a length of time', hint);
  if (ms % 1000 !== 0) throw invalid(expression, '@every counts whole seconds', hint);
  const seconds = ms / 1000;
  if (seconds < 1 || seconds > MAX_EVERY_SECONDS) {
    throw invalid(expression, `${length} is out of bounds for @every`, hint);
  }
  return { kind: 'every', seconds };
}

function parseCron(expression: string, fields: string[], seed: string): Expression {
  if (fields.length !== 5 && fields.length !== 6) {
    const count = fields.length === 1 ? '1 field' : `${fields.length} fields`;
    throw invalid(expression, `it has ${count}, not 5, or 6 with seconds first`);
  }
  const texts = fields.length === 5 ? ['0', ...fields] : fields;
  const pattern = compile(expression, texts, seed);
  if (!matchesSomeDay(pattern))
    throw invalid(
      expression,
      'no day ever matches it, so it would never run',
      'Check day of month against month: February has at most 29 days.',
    );
  return { kind: 'cron', pattern };
}

function compile(expression: string, texts: readonly string[], seed: string): Pattern {
  try {
    const restrictsBoth = !/^[*?]/.test(texts[3]!) && !/^[*?]/.test(texts[5]!);
    return compilePattern(fieldValues(texts, seed), {
      eitherDay: restrictsBoth,
      steppedHour: texts[2]!.includes('/'),
    });
  } catch (error) {
    if (error instanceof FieldError) throw invalid(expression, error.message, undefined, error);
    throw error;
  }
}

/** The calendar repeats every 400 years, so those years decide whether the pattern ever matches. */
function matchesSomeDay(pattern: Pattern): boolean {
  for (let year = 2000; year < 2400; year++) {
    for (let month = 1; month <= 12; month++) {
      if (matchingDays(pattern, year, month, dayNumber({ year, month, day: 1 })) !== 0) return true;
    }
  }
  return false;
}

function invalid(expression: string, detail: string, hint?: string, cause?: unknown): LshError {
  return new LshError('SCHEDULE_INVALID', { expression, detail }, { hint, cause });
}
