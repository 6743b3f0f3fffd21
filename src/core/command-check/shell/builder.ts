// Builds commands, pipelines and groups while the parser reads a script.
import {
  MAX_DEPTH,
  type Cursor,
  type Group,
  type Pipeline,
  type Redirect,
  type Script,
  type Simple,
} from './script.ts';

/** Maps the word that opens a group to the word that closes it. */
export const CLOSED_BY = new Map([
  ['(', ')'],
  ['{', '}'],
  ['if', 'fi'],
  ['while', 'done'],
  ['until', 'done'],
  ['for', 'done'],
  ['select', 'done'],
  ['case', 'esac'],
]);

interface Frame {
  closedBy: string;
  group: Group;
}

interface HereDocument {
  redirect: Redirect;
  stripTabs: boolean;
}

/** The state of one parse. */
export interface Builder {
  cursor: Cursor;
  script: Script;
  frames: Frame[];
  simple: Simple;
  start: number;
  functionName?: string;
  hereDocuments: HereDocument[];
  /** Whether the next command joins the current pipeline. */
  piped: boolean;
  /** The group that has just ended; redirections behind it are its own. */
  closed?: Group | undefined;
}

/** A command without any content. */
export function emptySimple(): Simple {
  return { kind: 'simple', assignments: [], words: [], redirects: [], source: '' };
}

/** Whether the command has any content. */
export function hasContent({ words, assignments, redirects }: Simple): boolean {
  return words.length + assignments.length + redirects.length > 0;
}

function currentScript({ frames, script }: Builder): Script {
  return frames.at(-1)?.group.body ?? script;
}

function addCommand(builder: Builder, command: Simple | Group): void {
  const script = currentScript(builder);
  if (builder.piped && script.length > 0) script.at(-1)!.commands.push(command);
  else script.push({ commands: [command], background: false });
  builder.piped = false;
}

/** Adds the current command to its pipeline and begins the next one. */
export function endCommand(builder: Builder): void {
  const { simple, cursor, start, closed } = builder;
  if (hasContent(simple)) {
    simple.source = cursor.text.slice(start, cursor.at).trim();
    if (closed && simple.words.length + simple.assignments.length === 0) closed.redirects = simple;
    else addCommand(builder, simple);
  }
  builder.simple = emptySimple();
  builder.closed = undefined;
}

/** Drops the pattern of a `case`, and the patterns before its `|`, which look like a pipeline of programs. */
export function dropPattern(builder: Builder): void {
  builder.simple = emptySimple();
  const last = builder.piped ? currentScript(builder).at(-1) : undefined;
  builder.piped = false;
  if (!last) return;
  const isHead = ({ commands: [first] }: Pipeline) =>
    first?.kind === 'simple' && first.words[0]?.text === 'case';
  if (isHead(last)) last.commands.length = 1;
  else currentScript(builder).pop();
}

/** Completes the current pipeline. */
export function endPipeline(builder: Builder, background: boolean): void {
  endCommand(builder);
  builder.piped = false;
  const last = currentScript(builder).at(-1);
  if (last && background) last.background = true;
}

/** Opens a group; a function name in front of it becomes the group's. */
export function openGroup(builder: Builder, opener: string): void {
  if (builder.frames.length >= MAX_DEPTH * 2) {
    builder.cursor.notes.tooDeep = true;
    builder.cursor.at = builder.cursor.text.length;
    return;
  }
  const group: Group = { kind: 'group', body: [], subshell: opener === '(' };
  if (builder.functionName !== undefined) group.functionName = builder.functionName;
  delete builder.functionName;
  addCommand(builder, group);
  builder.frames.push({ closedBy: CLOSED_BY.get(opener)!, group });
}

/** Closes the innermost group if this word closes it. */
export function closeGroup(builder: Builder, closer: string): void {
  endPipeline(builder, false);
  if (builder.frames.at(-1)?.closedBy !== closer) return;
  builder.closed = builder.frames.pop()!.group;
}
