// The meaning of one expression: cron fields, a macro, @every, @reboot or @daemon-start.
import { closest } from '../../closest.ts';
import { parseDuration } from '../../duration.ts';
import { LshError } from '../../errors.ts';
import { dayNumber } from '../calendar.ts';
import { dialectRefusal } from './dialects.ts';
import { DAY_OF_MONTH } from './field.ts';
import { FieldError } from './field-fault.ts';
import { fieldValues } from './fields.ts';
import { countWays, hasHashedDays, hashedWays } from './hashed-days.ts';
import { compilePattern, matchingDays, type Pattern } from './pattern.ts';
import { START_MACROS, startMacro, type StartMacro } from './start-macros.ts';

/** The meaning of an expression, without a zone or an anchor. */
export type Expression =
  | { kind: 'cron'; pattern: Pattern }
  | { kind: 'every'; seconds: number }
  | { kind: 'start'; macro: StartMacro };

export const MACROS: Readonly<Record<string, string>> = {
  '@secondly': '* * * * * *',
  '@every_second': '* * * * * *',
  '@minutely': '* * * * *',
  '@every_minute': '* * * * *',
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@noon': '0 12 * * *',
  '@weekdays': '0 0 * * 1-5',
  '@weekends': '0 0 * * 0,6',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@quarterly': '0 0 1 */3 *',
  '@semiannually': '0 0 1 1,7 *',
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
  if (text.length > MAX_LENGTH) {
    throw invalid(`${text.slice(0, 40)}…`, {
      detail: `it is longer than ${MAX_LENGTH} characters`,
      hint: 'Write lists as ranges and steps, such as 0-30 or */5, or divide the list between several schedules.',
    });
  }
  if (!text.startsWith('@')) return parseCron(expression, cronFields(expression, text), seed);
  const [name = '', ...rest] = text.toLowerCase().split(/\s+/);
  if (name === '@every') return parseEvery(expression, rest.join(''));
  const macro = startMacro(text);
  if (macro !== undefined) return { kind: 'start', macro };
  return parseCron(expression, macroFields(expression, text).split(' '), seed);
}

/** The five or six fields of an expression; undefined for any other expression. */
export function fieldTexts(expression: string): string[] | undefined {
  const text = expression.trim();
  const fields = (MACROS[text.toLowerCase()] ?? text).split(/\s+/);
  if (fields[0]!.startsWith('@') || (fields.length !== 5 && fields.length !== 6)) return undefined;
  return fields.length === 5 ? ['0', ...fields] : fields;
}

/** Whether the slots of the expression depend on the name of its job, by `H` or `~`. */
export function dependsOnName(expression: string): boolean {
  return /(?:^|[\s,])(?:H(?![A-Z])|[^\s,]*~)/i.test(expression.trim());
}

function macroFields(expression: string, text: string): string {
  const [name = '', ...rest] = text.toLowerCase().split(/\s+/);
  const fields = MACROS[name];
  if (fields !== undefined && rest.length === 0) return fields;
  if (fields !== undefined || startMacro(name) !== undefined) {
    throw invalid(expression, { detail: `${name} stands alone`, hint: `Write \`${name}\`, or cron fields.` });
  }
  const names = [...Object.keys(MACROS), ...START_MACROS];
  const near = closest(name, names);
  const hint =
    near === undefined ? `The macros are ${names.join(' ')} and @every 90s.` : `Did you mean ${near}?`;
  throw invalid(expression, { detail: `there is no macro ${name}`, hint });
}

function parseEvery(expression: string, length: string): Expression {
  const ms = parseDuration(length);
  const hint = 'Write it as `@every 90s`, `@every 5m` or `@every 1h30m`, from one second to 366 days.';
  if (ms === undefined) throw invalid(expression, { detail: '@every needs a length of time', hint });
  if (ms % 1000 !== 0) throw invalid(expression, { detail: '@every counts whole seconds', hint });
  const seconds = ms / 1000;
  if (seconds < 1 || seconds > MAX_EVERY_SECONDS) {
    throw invalid(expression, { detail: `${length} is out of bounds for @every`, hint });
  }
  return { kind: 'every', seconds };
}

/** The fields of an expression without a macro. Throws where their number is wrong; the hint is then the general one. */
function cronFields(expression: string, text: string): string[] {
  if (text === '') throw invalid(expression, { detail: 'it is empty' });
  const zone = /^(?:CRON_)?TZ=(\S*)/i.exec(text)?.[1];
  if (zone !== undefined) {
    throw invalid(expression, {
      detail: 'a time zone does not belong in the expression',
      hint: `Set timeZone (--tz) to ${zone || 'the zone’s name'} instead.`,
    });
  }
  const refusal = dialectRefusal(text);
  if (refusal !== undefined) throw invalid(expression, refusal);
  const fields = text.split(/\s+/);
  if (fields.length === 5 || fields.length === 6) return fields;
  const count = fields.length === 1 ? '1 field' : `${fields.length} fields`;
  throw invalid(expression, { detail: `it has ${count}, not 5, or 6 with seconds first` });
}

const NEVER_HINT =
  'Check day of month against month (February has at most 29 days; April, June, September and November have 30), and against day of week where both must match.';

function parseCron(expression: string, fields: readonly string[], seed: string): Expression {
  const texts = fields.length === 5 ? ['0', ...fields] : fields;
  const pattern = compile(expression, texts, seed);
  if (hasHashedDays(texts)) refuseUnluckyNames(expression, fields, texts);
  if (!matchesSomeDay(pattern)) {
    throw invalid(expression, { detail: 'no day ever matches it, so it would never run', hint: NEVER_HINT });
  }
  return { kind: 'cron', pattern };
}

/** The day fields that let every job name run. Many jobs share them, and trying all ways takes milliseconds. */
const luckyForAll = new Set<string>();
const MAX_LUCKY = 1000;
/** More ways take too long to try. `H H +H` has 2,352. */
const MAX_WAYS = 20_000;
/** Stands in for the time of day, which does not decide whether a day matches. */
const MIDNIGHT = ['0', '0', '0'];

/** An expression is valid for all job names or for none, so that no job fails because of its name. */
function refuseUnluckyNames(expression: string, fields: readonly string[], texts: readonly string[]): void {
  const days = texts.slice(DAY_OF_MONTH).join(' ');
  if (luckyForAll.has(days)) return;
  if (countWays(texts) > MAX_WAYS) {
    throw invalid(expression, {
      detail: 'its day fields hold too many H or ~ to prove that every job name runs',
      hint: 'Write at most one H in each of day of month, month and day of week.',
    });
  }
  for (const way of hashedWays(texts)) {
    if (matchesSomeDay(compile(expression, [...MIDNIGHT, ...way], ''))) continue;
    const example = [...texts.slice(texts.length - fields.length, DAY_OF_MONTH), ...way].join(' ');
    const detail = `for some job names it would never run, since H makes it \`${example}\``;
    throw invalid(expression, { detail, hint: NEVER_HINT });
  }
  if (luckyForAll.size >= MAX_LUCKY) luckyForAll.clear();
  luckyForAll.add(days);
}

function compile(expression: string, texts: readonly string[], seed: string): Pattern {
  try {
    return compilePattern(fieldValues(texts, seed));
  } catch (error) {
    if (error instanceof FieldError)
      throw invalid(expression, { detail: error.message, hint: error.hint }, error);
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

function invalid(
  expression: string,
  { detail, hint }: { detail: string; hint?: string },
  cause?: unknown,
): LshError {
  return new LshError('SCHEDULE_INVALID', { expression, detail }, { hint, cause });
}
