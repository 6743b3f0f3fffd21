// Puts commands, pipelines and groups together while a script is read.
import { MAX_DEPTH, type Cursor, type Group, type Redirect, type Script, type Simple } from './script.ts';

/** What ends the group that a word opens. */
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

/** A parse under way. */
export interface Builder {
  cursor: Cursor;
  script: Script;
  frames: Frame[];
  simple: Simple;
  start: number;
  functionName?: string;
  hereDocuments: HereDocument[];
  /** Whether the pipeline that is being read goes on. */
  piped: boolean;
}

/** A command of which nothing was read yet. */
export function emptySimple(): Simple {
  return { kind: 'simple', assignments: [], words: [], redirects: [], source: '' };
}

/** Whether anything of the command was read. */
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

/** The command is complete; what follows is another one of its pipeline. */
export function endCommand(builder: Builder): void {
  const { simple, cursor, start } = builder;
  if (hasContent(simple)) {
    simple.source = cursor.text.slice(start, cursor.at).trim();
    addCommand(builder, simple);
  }
  builder.simple = emptySimple();
}

/** The pipeline is complete. */
export function endPipeline(builder: Builder, background: boolean): void {
  endCommand(builder);
  builder.piped = false;
  const last = currentScript(builder).at(-1);
  if (last && background) last.background = true;
}

/** Begins a group, with the function name that was read before it. */
export function openGroup(builder: Builder, opener: string): void {
  if (builder.frames.length >= MAX_DEPTH * 2) {
    builder.cursor.notes.tooDeep = true;
    return;
  }
  const group: Group = { kind: 'group', body: [] };
  if (builder.functionName !== undefined) group.functionName = builder.functionName;
  delete builder.functionName;
  addCommand(builder, group);
  builder.frames.push({ closedBy: CLOSED_BY.get(opener)!, group });
}

/** Ends the innermost group when it is closed by this word. */
export function closeGroup(builder: Builder, closer: string): void {
  endPipeline(builder, false);
  if (builder.frames.at(-1)?.closedBy !== closer) return;
  builder.frames.pop();
}
