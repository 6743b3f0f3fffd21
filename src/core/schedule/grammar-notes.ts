// Notes on what an expression says: valid, and easily read as something else.
import { fieldTexts } from './expression/expression.ts';
import { DAY_OF_MONTH, DAY_OF_WEEK, FIELDS } from './expression/field.ts';
import { everyHint } from './expression/field-fault.ts';
import { listItems, readItem } from './expression/fields.ts';

/** One sentence each, without duplicates, for valid expressions. */
export function grammarNotes(expressions: readonly string[]): string[] {
  const notes = expressions.flatMap((expression) => {
    const texts = fieldTexts(expression);
    return texts === undefined ? [] : [...stepNotes(texts), ...dayNotes(texts)];
  });
  return [...new Set(notes)];
}

function stepNotes(texts: readonly string[]): string[] {
  return FIELDS.flatMap((_, field) => listItems(texts, field).flatMap((item) => stepNote(item, field) ?? []));
}

/** A step above 1 that leaves one value. H has a step that fits, or is refused. */
function stepNote(item: string, field: number): string | undefined {
  const [, span, step] = /^([^~]+)\/(\d+)$/.exec(item) ?? [];
  if (span === undefined || Number(step) <= 1 || /^h/i.test(span)) return undefined;
  const { values } = readItem(item, field, '');
  if (values.length > 1) return undefined;
  const every = /^[*?]$/.test(span) ? everyHint(field, Number(step)) : undefined;
  return `"${item}" in the ${FIELDS[field]!.name} field is ${values[0]} alone: the step goes past the end. ${every ?? `Write ${values[0]}.`}`;
}

function dayNotes(texts: readonly string[]): string[] {
  const [day, weekday] = [texts[DAY_OF_MONTH]!, texts[DAY_OF_WEEK]!];
  if ([day, weekday].some((text) => /^[*?](?:\/0*1)?$/.test(text)) || weekday.startsWith('+')) return [];
  if ([day, weekday].some((text) => /^[*?]/.test(text))) {
    return [
      `The job is due on days that match both "${day}" and "${weekday}", as in cron: a day field that begins with * does not widen the other.`,
    ];
  }
  return [
    `The job is due on days that match "${day}" or "${weekday}", as in cron. Write \`+${weekday}\` to require both.`,
  ];
}
