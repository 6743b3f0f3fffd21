// The builtins that change what the walk knows: cd, export, read, set, for. The walk calls this after its rules.
import { assign } from './expand.ts';
import { NO_FLOW, type Invocation } from '../invocation.ts';
import type { Expanded, Scope } from './scope.ts';

const ASSIGNMENT = /^([A-Za-z_]\w*)=([^]*)$/;
/** A loop of reads looks at the start of its input only. */
const MAX_READ = 1024;
const NAME = /^[A-Za-z_]\w*$/;

type Effect = (invocation: Invocation, scope: Scope) => void;

const EFFECTS = new Map<string, Effect>([
  ['cd', changeDirectory],
  ['pushd', changeDirectory],
  ['export', assignArguments],
  ['declare', assignArguments],
  ['typeset', assignArguments],
  ['local', assignArguments],
  ['readonly', assignArguments],
  ['unset', ({ args }, scope) => args.forEach((name) => scope.set(name, undefined))],
  ['for', loop],
  ['select', loop],
  ['read', readLines],
  ['set', setPositional],
]);

/** Applies a builtin to the scope; does nothing for other programs. */
export function applyBuiltin(invocation: Invocation, scope: Scope): void {
  EFFECTS.get(invocation.program)?.(invocation, scope);
}

function assignArguments({ args, argFlows }: Invocation, scope: Scope): void {
  for (const [at, arg] of args.entries()) {
    const [, name, value = ''] = ASSIGNMENT.exec(arg) ?? [];
    if (name !== undefined) assign(name, known([value], argFlows[at]), scope);
  }
}

function setPositional({ args }: Invocation, scope: Scope): void {
  const end = args.indexOf('--');
  if (end !== -1) bindPositional(['sh', ...args.slice(end + 1)], scope);
}

function changeDirectory({ args }: Invocation, scope: Scope): void {
  const end = args.indexOf('--');
  const operand = end === -1 ? args.find((arg) => !/^-./.test(arg)) : args[end + 1];
  if (operand === undefined) scope.enter('${HOME}');
  else if (operand !== '-') scope.enter(operand);
}

/** The variable of a loop stands for all of its values at once. */
function loop({ args, argFlows }: Invocation, scope: Scope): void {
  const [name = '', , ...values] = args;
  if (!NAME.test(name)) return;
  const texts = values.filter((value) => !value.includes('$()'));
  const flow = argFlows.find((each) => each !== NO_FLOW);
  assign(name, texts.length === 0 && flow ? known(['$()'], flow) : known(texts, flow), scope);
}

/** `read NAME` gets the known lines of its input, one after the other in a loop. */
function readLines({ args, input }: Invocation, scope: Scope): void {
  const lines = input.texts
    .flatMap((text) => text.slice(0, MAX_READ).split('\n', 64))
    .filter((line) => line !== '');
  const isUnseen = input.downloaded || input.decoded;
  for (const name of args.filter((arg) => NAME.test(arg))) {
    if (lines.length > 0) assign(name, known(lines), scope);
    else scope.set(name, isUnseen ? known([`\${${name}}`], { ...input, texts: [], words: [] }) : undefined);
  }
}

function known(texts: string[], flow = NO_FLOW): Expanded {
  return { texts, flow };
}

const POSITIONAL = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '@', '*'];

/** Sets `$0` to `$9`, `$@` and `$*`. Returns a function that sets them back. */
export function bindPositional(args: readonly string[], scope: Scope): () => void {
  const before = POSITIONAL.map((name) => scope.get(name));
  const all = args.length < 2 ? undefined : known(args.slice(1, 65));
  for (const [at, name] of POSITIONAL.entries()) {
    const arg = args[at];
    scope.set(name, at >= 10 ? all : arg === undefined ? undefined : known([arg]));
  }
  return () => {
    for (const [at, name] of POSITIONAL.entries()) scope.set(name, before[at]);
  };
}
