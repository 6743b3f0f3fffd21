// Findings of the schema library in plain words. Never shows values of variables, which may be secret.
import type { BaseIssue } from 'valibot';
import { closest } from '../closest.ts';
import type { Problem } from '../errors.ts';
import { at } from './structure.ts';

type Issue = BaseIssue<unknown>;

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  record: 'a mapping',
  strict_object: 'a mapping of fields',
};

/** The finding as a problem below `root`; undefined for unknown fields, which fieldProblems reports. */
export function toProblem(issue: Issue, root: string): Problem | undefined {
  if (issue.expected === 'never') return undefined;
  const path = (issue.path ?? []).reduce((path, { key }) => at(path, key as string | number), root);
  return { path, message: wording(issue) };
}

function wording(issue: Issue): string {
  if (issue.input === undefined) return 'is required';
  if (issue.type in KINDS) return wrongType(issue);
  const { input, requirement } = issue;
  switch (issue.type) {
    case 'picklist':
      return wrongChoice(issue);
    case 'min_length':
      return typeof input === 'string'
        ? 'must not be empty'
        : `must have at least ${count(requirement, 'entry')}`;
    case 'max_length':
      return tooLong(input as string | unknown[], requirement);
    case 'min_value':
      return `must be at least ${String(requirement)}, not ${show(input)}`;
    case 'max_value':
      return `must be at most ${String(requirement)}, not ${show(input)}`;
    case 'integer':
      return `must be a whole number, not ${show(input)}`;
    case 'iso_timestamp':
      return `must be an instant such as 2026-01-31T12:00:00Z, not ${show(input)}`;
    default:
      return issue.message;
  }
}

function wrongType({ type, input }: Issue): string {
  if (input === null) return `must be ${KINDS[type]}, not null; leave the field out instead`;
  const advice = type === 'string' && typeof input !== 'object' ? '; put it in quotes' : '';
  const unquote =
    typeof input === 'string' && (type === 'number' || type === 'boolean') ? '; without quotes' : '';
  return `must be ${KINDS[type]}, not ${kindOf(input)}${advice}${unquote}`;
}

function kindOf(input: unknown): string {
  if (Number.isNaN(input)) return 'NaN';
  if (Array.isArray(input)) return 'a list';
  return (
    { string: 'text', number: 'a number', boolean: 'true or false' }[typeof input as string] ?? 'a mapping'
  );
}

function wrongChoice({ expected, input }: Issue): string {
  const choices = (expected ?? '').split(/[^A-Za-z]+/).filter((word) => word !== '');
  const near = typeof input === 'string' ? closest(input, choices) : undefined;
  return `must be one of ${choices.join(', ')}, not ${show(input)}${near ? `; did you mean ${near}?` : ''}`;
}

function tooLong(input: string | unknown[], limit: unknown): string {
  const things = typeof input === 'string' ? 'character' : 'entry';
  return `must have at most ${count(limit, things)}; it has ${input.length}`;
}

function count(amount: unknown, thing: 'character' | 'entry'): string {
  const plural = thing === 'entry' ? 'entries' : 'characters';
  return `${String(amount)} ${amount === 1 ? thing : plural}`;
}

/** The value as written, cut after 60 characters. */
export function show(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? kindOf(value) : String(value);
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return typeof value === 'string' ? `"${short}"` : short;
}
