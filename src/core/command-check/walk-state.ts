// The state of a walk: what a script has defined, written and changed so far.
import { Budget } from './budget.ts';
import { mergeFlows, NO_FLOW, type Finding, type Flow, type Rule } from './invocation.ts';
import { resolvePath } from './paths.ts';
import type { ParseNotes, Script } from './shell/script.ts';
import { Scope } from './values/scope.ts';

/** Files whose content the walk remembers. */
const MAX_FILES = 64;

export interface Walk {
  rules: readonly Rule[];
  findings: Finding[];
  notes: ParseNotes;
  /** Every program and prefix, as the script names it. */
  programs: Set<string>;
  functions: Map<string, Script>;
  /** Functions whose calls the walk is in. */
  called: Set<string>;
  /** What the script wrote into a file: it may run it later. */
  files: Map<string, Flow>;
  scope: Scope;
  depth: number;
  budget: Budget;
}

/** The initial state of a walk. */
export function newWalk(rules: readonly Rule[], cwd: string): Walk {
  return {
    rules,
    findings: [],
    notes: { unterminated: false, tooDeep: false },
    programs: new Set(),
    functions: new Map(),
    called: new Set(),
    files: new Map(),
    scope: new Scope(resolvePath(cwd, '/')),
    depth: 0,
    budget: new Budget(),
  };
}

/** Walks with variables and a directory that end with the subshell. */
export function inSubshell<T>(walk: Walk, body: () => T): T {
  const { scope } = walk;
  walk.scope = scope.subshell();
  const result = body();
  walk.scope = scope;
  return result;
}

export interface Redirected {
  operator: string;
  target: string;
  /** What a here-document, a process substitution or a known file feeds in. */
  flow: Flow;
}

/** What the script wrote into the file, as far as known. */
export function fileFlow(file: string, { files, scope }: Walk): Flow {
  if (files.size === 0 || file.startsWith('-')) return NO_FLOW;
  return files.get(resolvePath(file, scope.directory)) ?? NO_FLOW;
}

/** Notes what the script writes into the file. */
export function remember(file: string, flow: Flow, { files, scope }: Walk, append = false): void {
  const path = resolvePath(file, scope.directory);
  const before = append ? (files.get(path) ?? NO_FLOW) : NO_FLOW;
  if (files.has(path) || files.size < MAX_FILES) files.set(path, mergeFlows(before, flow));
}

/** Records what the redirections write. */
export function rememberFiles(redirects: readonly Redirected[], output: Flow, walk: Walk): void {
  for (const { operator, target } of redirects) {
    if (operator.includes('>') && !/^[\d-]*$/.test(target))
      remember(target, output, walk, operator.includes('>>'));
  }
}
