// Walks a parsed script in execution order and shows every program to the rules, with known variables filled in, its
// working directory, and the flow through its pipe. Bounded in depth and in total work.
import {
  finding,
  mergeFlows,
  NO_FLOW,
  type Finding,
  type Flow,
  type Invocation,
  type Rule,
} from './invocation.ts';
import { outputOf } from './output.ts';
import { parseScript } from './parse.ts';
import { baseName, resolvePath } from './paths.ts';
import { commandsInCode } from './programs.ts';
import type { Group, ParseNotes, Script, Simple, Word } from './script.ts';
import { innerScripts, unwrap } from './unwrap.ts';

const MAX_SCRIPT_DEPTH = 8;
/** Total characters of nested scripts that one walk reads. */
const MAX_TEXT = 200_000;
const MAX_VALUE = 256;

export interface Walk {
  rules: readonly Rule[];
  findings: Finding[];
  notes: ParseNotes;
  /** Every program and prefix, as the script names it. */
  programs: Set<string>;
  functions: Set<string>;
  variables: Map<string, string>;
  cwd: string;
  depth: number;
  textLeft: number;
}

/** The initial state of a walk. */
export function newWalk(rules: readonly Rule[], cwd: string): Walk {
  return {
    rules,
    findings: [],
    notes: { unterminated: false, tooDeep: false },
    programs: new Set(),
    functions: new Set(),
    variables: new Map(),
    cwd: resolvePath(cwd, '/'),
    depth: 0,
    textLeft: MAX_TEXT,
  };
}

/** Walks a text as a shell script. Returns the flow that it would print. */
export function walkText(text: string, input: Flow, walk: Walk): Flow {
  walk.textLeft -= text.length;
  if (walk.depth >= MAX_SCRIPT_DEPTH || walk.textLeft < 0) {
    walk.notes.tooDeep = true;
    return NO_FLOW;
  }
  const { script, notes } = parseScript(text);
  walk.notes.unterminated ||= notes.unterminated;
  walk.notes.tooDeep ||= notes.tooDeep;
  walk.depth++;
  const flow = walkScript(script, input, walk);
  walk.depth--;
  return flow;
}

function walkScript(script: Script, input: Flow, walk: Walk): Flow {
  let output = NO_FLOW;
  for (const { commands } of script) {
    let flow = input;
    for (const command of commands) {
      flow = command.kind === 'group' ? walkGroup(command, flow, walk) : walkSimple(command, flow, walk);
    }
    output = mergeFlows(output, flow);
  }
  return output;
}

function walkGroup({ body, functionName }: Group, input: Flow, walk: Walk): Flow {
  if (functionName !== undefined) {
    walk.functions.add(functionName);
    if (forks(body, functionName)) {
      const message = 'The function starts itself again and again: a fork bomb.';
      walk.findings.push(finding(`${functionName}() { … }`, 'fork-bomb', 'critical', message));
    }
  }
  return walkScript(body, input, walk);
}

/** Whether the body calls the function in a pipeline or in the background. */
function forks(body: Script, name: string): boolean {
  return body.some(({ commands, background }) =>
    commands.some((command) =>
      command.kind === 'group'
        ? forks(command.body, name)
        : command.words[0]?.text === name && (background || commands.length > 1),
    ),
  );
}

interface Expanded {
  text: string;
  flow: Flow;
}

function walkSimple(simple: Simple, input: Flow, walk: Walk): Flow {
  for (const word of simple.assignments) assign(expand(word, walk).text, walk);
  const redirects = simple.redirects.map(({ operator, target }) => ({ operator, ...expand(target, walk) }));
  const words = simple.words.map((word) => expand(word, walk));
  const first = simple.words[0];
  const texts = [...programWords(first, words[0]), ...words.slice(1).map(({ text }) => text)];
  const { words: unwrapped, prefixes, elevated } = unwrap(texts);
  for (const prefix of prefixes) walk.programs.add(prefix);
  const stdin = redirects.filter(({ operator }) => operator.startsWith('<')).map(stdinFlow);
  const feed = [input, ...stdin].reduce(mergeFlows);
  const [path = '', ...args] = prefixes.includes('xargs') ? [...unwrapped, ...input.words] : unwrapped;
  const invocation: Invocation = {
    program: baseName(path),
    path,
    args,
    redirects: redirects.map(({ operator, text }) => ({ operator, target: text })),
    programFlow: words[0]?.flow ?? NO_FLOW,
    argsFlow: [...words.slice(1), ...redirects].map(({ flow }) => flow).reduce(mergeFlows, NO_FLOW),
    input: feed,
    cwd: walk.cwd,
    elevated,
    source: simple.source,
  };
  return visit(invocation, walk);
}

function visit(invocation: Invocation, walk: Walk): Flow {
  const { program, path, args, input } = invocation;
  if (path !== '') walk.programs.add(path);
  walk.findings.push(...walk.rules.flatMap((rule) => rule(invocation)));
  if (program === 'cd' && args[0] !== undefined) walk.cwd = resolvePath(args[0], walk.cwd);
  const output = outputOf(invocation);
  for (const script of commandsInCode(program, args)) walkGuess(script, walk);
  const scripts = [...innerScripts(program, args), ...output.consumedScripts];
  return [output.flow, ...scripts.map((script) => walkText(script, input, walk))].reduce(mergeFlows);
}

/** Walks a text that may be a command, and keeps only dangerous findings. */
function walkGuess(text: string, walk: Walk): void {
  const findings: Finding[] = [];
  const guess = { ...walk, findings, notes: { ...walk.notes }, programs: new Set<string>() };
  walkText(text, NO_FLOW, guess);
  walk.textLeft = guess.textLeft;
  walk.findings.push(...findings.filter(({ level }) => level === 'high' || level === 'critical'));
}

/** The flow from `<<<`, `<<` and `< <(…)` to standard input. */
function stdinFlow({ operator, text, flow }: { operator: string } & Expanded): Flow {
  return operator === '<' ? flow : mergeFlows(flow, { ...NO_FLOW, texts: [text] });
}

/** Splits an unquoted variable or a brace expansion into a program and its arguments. */
function programWords(word: Word | undefined, expanded: Expanded | undefined): string[] {
  if (!word || !expanded) return [];
  const { text } = expanded;
  if (word.quoted) return [text];
  if (/^\{[^{}]*,[^{}]*\}$/.test(text)) return text.slice(1, -1).split(',');
  return text === word.text ? [text] : text.split(/\s+/).filter((part) => part !== '');
}

function assign(text: string, { variables }: Walk): void {
  const [, name, value] = /^([A-Za-z_]\w*)=([^]*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) return;
  if (value.length <= MAX_VALUE && !/\$[{(]/.test(value)) variables.set(name, value);
  else variables.delete(name);
}

/** Fills in known values: assigned variables, the working directory, defaults of unknown variables. */
function expand({ text, scripts }: Word, walk: Walk): Expanded {
  const flow = scripts.map((script) => walkScript(script, NO_FLOW, walk)).reduce(mergeFlows, NO_FLOW);
  if (!text.includes('${')) return { text, flow };
  const filled = text.replaceAll(
    /\$\{([A-Za-z_]\w*)(?::?[-=]([^{}]*))?\}/g,
    (whole, name: string, fallback?: string) => {
      if (name === 'PWD') return walk.cwd;
      return walk.variables.get(name) ?? fallback ?? whole;
    },
  );
  return { text: filled, flow };
}
