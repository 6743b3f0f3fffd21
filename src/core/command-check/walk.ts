// Walks a parsed script in execution order and shows every program to the rules, with known variables filled in, its
// working directory, and the flow through its pipe. Bounded in depth and in total work.
import { MAX_WORDS } from './budget.ts';
import { withCode } from './code.ts';
import { innerScripts } from './inner-scripts.ts';
import { finding, mergeFlows, NO_FLOW, type Finding, type Flow, type Invocation } from './invocation.ts';
import { consumedScripts, outputOf, verifiesFiles, writtenFiles } from './output.ts';
import { baseName, resolvePath } from './paths.ts';
import { commandsInCode, SHELLS } from './programs.ts';
import { parseScript } from './shell/parse.ts';
import type { Group, Script, Simple, Word } from './shell/script.ts';
import { unwrap } from './unwrap.ts';
import { applyBuiltin, bindPositional } from './values/builtins.ts';
import { assign, expandWord } from './values/expand.ts';
import { passedWords } from './values/passed-words.ts';
import type { Expanded } from './values/scope.ts';
import { fileFlow, inSubshell, remember, rememberFiles, type Redirected, type Walk } from './walk-state.ts';

const MAX_SCRIPT_DEPTH = 8;
/** Calls of functions in functions: more could exceed the stack. The walk has seen each body at its definition. */
const MAX_CALLS = 16;
/** Work for one program beside its text: the rules look at each. */
const COST_OF_PROGRAM = 16;
/** Walks a text as a shell script. Returns the flow that it would print. Throws OverBudget. */
export function walkText(text: string, input: Flow, walk: Walk): Flow {
  walk.budget.spend(text.length);
  if (walk.depth >= MAX_SCRIPT_DEPTH) {
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

function walkGroup({ body, subshell, redirects, functionName }: Group, input: Flow, walk: Walk): Flow {
  if (functionName !== undefined) return defineFunction(functionName, body, walk);
  const files = redirects ? walkRedirects(redirects, walk) : [];
  const feed = files.map(({ flow }) => flow).reduce(mergeFlows, input);
  const output = subshell
    ? inSubshell(walk, () => walkScript(body, feed, walk))
    : walkScript(body, feed, walk);
  rememberFiles(files, output, walk);
  return output;
}

/** Walks the body once as it stands, without an effect on what follows, and keeps it for its calls. */
function defineFunction(name: string, body: Script, walk: Walk): Flow {
  if (forks(body, name)) {
    const message = 'The function starts itself again and again: a fork bomb.';
    walk.findings.push(finding(`${name}() { … }`, 'fork-bomb', 'critical', message));
  }
  inSubshell(walk, () => walkScript(body, NO_FLOW, walk));
  walk.functions.set(name, body);
  return NO_FLOW;
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

/** Walks the body with the arguments of the call; a second call of the same function inside it ends the chain. */
function callFunction({ path, args, input }: Invocation, walk: Walk): Flow {
  const body = walk.functions.get(path);
  if (body === undefined || walk.called.has(path) || walk.called.size >= MAX_CALLS) return NO_FLOW;
  if (!walk.budget.mayRevisit()) return NO_FLOW;
  walk.called.add(path);
  const restore = bindPositional([path, ...args], walk.scope);
  const output = walkScript(body, input, walk);
  restore();
  walk.called.delete(path);
  return output;
}

/** The redirections of a group, shown to the rules as a command without words. */
function walkRedirects(simple: Simple, walk: Walk): Redirected[] {
  const redirects = expandRedirects(simple, walk);
  const nothing = { program: '', path: '', args: [], argFlows: [], programFlow: NO_FLOW, code: NO_FLOW };
  const { source } = simple;
  visit(
    {
      ...nothing,
      redirects,
      input: NO_FLOW,
      foreignCode: [],
      cwd: walk.scope.directory,
      elevated: false,
      source,
    },
    walk,
  );
  return redirects;
}

function expandRedirects({ redirects }: Simple, walk: Walk): Redirected[] {
  return redirects.flatMap(({ operator, target }) => {
    const { texts, flow } = expand(target, walk);
    return texts.map((text) => ({ operator, target: text, flow: redirectFlow(operator, text, flow, walk) }));
  });
}

function redirectFlow(operator: string, text: string, flow: Flow, walk: Walk): Flow {
  if (/^\/dev\/(tcp|udp)\//.test(text)) return { ...NO_FLOW, downloaded: operator.startsWith('<') };
  if (operator === '<') return mergeFlows(flow, fileFlow(text, walk));
  return operator.startsWith('<<') ? mergeFlows(flow, { ...NO_FLOW, texts: [text] }) : NO_FLOW;
}

function walkSimple(simple: Simple, input: Flow, walk: Walk): Flow {
  if (walk.called.size > 0 && !walk.budget.mayRevisit()) return NO_FLOW;
  for (const word of simple.assignments) assignWord(word, walk);
  const redirects = expandRedirects(simple, walk);
  const feed = redirects.map(({ flow }) => flow).reduce(mergeFlows, input);
  const invocation = invocationOf(simple, redirects, feed, walk);
  // Many interpreters may read the same text, and several rules look at it.
  walk.budget.spend(4 * invocation.foreignCode.reduce((sum, code) => sum + code.length, 0));
  const output = visit(invocation, walk);
  rememberFiles(redirects, output, walk);
  return output;
}

/** The program behind all prefixes, with everything that is known about it. */
function invocationOf(simple: Simple, redirects: Redirected[], input: Flow, walk: Walk): Invocation {
  const words = simple.words.flatMap((word) => {
    const { texts, flow } = expand(word, walk);
    return texts.map((text) => ({ text, flow }));
  });
  const { words: unwrapped, prefixes, elevated, directory = '.' } = unwrap(words.map(({ text }) => text));
  for (const prefix of prefixes) walk.programs.add(prefix);
  const [programFlow = NO_FLOW, ...flows] = words
    .slice(words.length - unwrapped.length)
    .map(({ flow }) => flow);
  const [path = '', ...given] = unwrapped;
  const passes = prefixes.includes('xargs') || prefixes.includes('parallel');
  const args = passes ? passedWords(given, input, walk.budget) : given;
  walk.budget.spend(args.reduce((sum, arg) => sum + arg.length, COST_OF_PROGRAM + path.length));
  const context = {
    path,
    args,
    redirects,
    input,
    cwd: resolvePath(directory, walk.scope.directory),
    elevated,
    source: simple.source,
  };
  return withCode({
    ...context,
    program: baseName(path),
    programFlow: [
      programFlow,
      path.includes('/') ? fileFlow(path, walk) : NO_FLOW,
      // `xargs sh -c` runs the words that it reads.
      passes && SHELLS.has(baseName(path)) ? { ...input, texts: [] } : NO_FLOW,
    ].reduce(mergeFlows),
    argFlows: args.map((arg, at) => mergeFlows(flows[at] ?? NO_FLOW, fileFlow(arg, walk))),
  });
}

function visit(invocation: Invocation, walk: Walk): Flow {
  const { program, path, args, input, foreignCode } = invocation;
  if (path !== '') walk.programs.add(path);
  walk.findings.push(...walk.rules.flatMap((rule) => rule(invocation)));
  applyBuiltin(invocation, walk.scope);
  for (const code of foreignCode) for (const text of commandsInCode(code)) walkGuess(text, walk);
  if (verifiesFiles(invocation)) walk.files.clear();
  for (const { file, flow } of writtenFiles(invocation)) remember(file, flow, walk);
  let output = mergeFlows(outputOf(invocation), callFunction(invocation, walk));
  for (const { text, positional, inPlace } of innerScripts(program, args)) {
    const run = () => {
      if (positional) bindPositional(positional, walk.scope);
      return walkText(text, input, walk);
    };
    output = mergeFlows(output, inPlace ? run() : inSubshell(walk, run));
  }
  for (const text of consumedScripts(invocation)) {
    output = mergeFlows(
      output,
      inSubshell(walk, () => walkText(text, NO_FLOW, walk)),
    );
  }
  return output;
}

/** Walks a text that may be a command, and keeps only dangerous findings. */
function walkGuess(text: string, walk: Walk): void {
  const { findings, notes } = walk;
  const guess = { ...walk, findings: [], notes: { ...notes }, programs: new Set<string>() };
  inSubshell(guess, () => walkText(text, NO_FLOW, guess));
  findings.push(...guess.findings.filter(({ level }: Finding) => level === 'high' || level === 'critical'));
}

/** `NAME=VALUE`, `NAME+=VALUE`, `NAME=( … )`. The shell neither splits a value nor expands its braces. */
function assignWord({ text, scripts, elements }: Word, walk: Walk): void {
  const { texts, flow } = expand({ text, scripts, quoted: true }, walk);
  const [head, name, subscript, plus] = /^([A-Za-z_]\w*)(\[[^\]]*\])?(\+?)=/.exec(texts[0] ?? '') ?? [];
  if (head === undefined || name === undefined) return;
  const value = elements
    ? elementsOf(elements, walk)
    : { texts: texts.map((each) => withHome(each.slice(head.length))), flow };
  const before = plus || subscript ? walk.scope.get(name) : undefined;
  assign(
    name,
    before ? added(before, value, elements !== undefined || subscript !== undefined) : value,
    walk.scope,
  );
}

/** More elements of an array, or more text behind a value. */
function added(before: Expanded, value: Expanded, isArray: boolean): Expanded {
  const texts = isArray
    ? [...before.texts, ...value.texts]
    : before.texts.flatMap((start) => value.texts.map((end) => `${start}${end}`)).slice(0, MAX_WORDS);
  return { texts, flow: mergeFlows(before.flow, value.flow) };
}

/** A tilde at the start of a value is the home. */
function withHome(value: string): string {
  return value === '~' || value.startsWith('~/') ? `\${HOME}${value.slice(1)}` : value;
}

function elementsOf(elements: readonly Word[], walk: Walk): Expanded {
  const expanded = elements.map((element) => expand(element, walk));
  return {
    texts: expanded.flatMap(({ texts }) => texts),
    flow: expanded.map(({ flow }) => flow).reduce(mergeFlows, NO_FLOW),
  };
}

function expand(word: Word, walk: Walk): Expanded {
  return expandWord(word, outputOfScripts(word, walk), walk);
}

/** What the substitutions of the word print. */
function outputOfScripts({ scripts }: Word, walk: Walk): Flow {
  return scripts
    .map((script) => inSubshell(walk, () => walkScript(script, NO_FLOW, walk)))
    .reduce(mergeFlows, NO_FLOW);
}
