// The allow-list of programs: what a command may start, if the process that executes it has a list. Unlike the rules, which
// look for danger, it refuses whatever it cannot prove: it must see each program, and each name must mean what the list means.
import { finding, type Finding } from './invocation.ts';
import { baseName } from './paths.ts';
import { QUOTED, readPlainScript, UNQUOTED, type PlainCommand } from './plain-script.ts';
import { DEFAULT_SHELL, type JobSpec } from '../spec/job-spec.ts';

type ListedCommand = Pick<JobSpec, 'command' | 'args' | 'env' | 'shell'>;

/** Shell builtins that start no program and read no file of code. */
const BUILTINS = new Set(
  ': [ break cd continue echo exit export false getopts printf pwd read readonly return set shift test times true type ulimit umask unset wait'.split(
    ' ',
  ),
);
/** Builtins that set variables whose names are in their arguments. */
const ASSIGNING = new Set('export getopts read readonly unset wait'.split(' '));

/** Shells whose language the check reads. */
const CHECKED_SHELLS = new Set('sh bash dash ash'.split(' '));
const SYSTEM_DIRECTORIES = ['/bin', '/usr/bin', '/usr/local/bin'];

/** Variables that decide which program a name means, or make a shell, the loader or a program run other code. */
const HOSTILE_VARIABLE = new RegExp(
  `^(${[
    'PATH|IFS|ENV|PS4|CDPATH|FPATH|ZDOTDIR|SHELLOPTS|BASHOPTS|BASH_.*|PROMPT_COMMAND|SHELL',
    'LD_.*|DYLD_.*|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NLSPATH|OPENSSL_(CONF|ENGINES|MODULES)',
    'PERL5(OPT|LIB|DB)|PERLLIB|PYTHON(PATH|HOME|STARTUP|INSPECT|BREAKPOINT|USERBASE|PLATLIBDIR|WARNINGS)',
    'RUBY(OPT|LIB)|GEM_(HOME|PATH)|BUNDLE_.*|NODE_(OPTIONS|PATH)|LUA_.*|PHPRC|PHP_INI_SCAN_DIR|R_PROFILE.*|TCLLIBPATH',
    'CLASSPATH|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|GIT_.*|LESSOPEN|LESSCLOSE|TAR_OPTIONS|PSQLRC',
    // The places of settings, which may name programs.
    'HOME|XDG_.*|KUBECONFIG|DOCKER_CONFIG|CURL_HOME|WGETRC|.*_CONFIG_FILE|PGSYSCONFDIR|MAKEFLAGS|EXECIGNORE|npm_config_.*|NPM_CONFIG_.*',
    '(.*_)?(COMMAND|PASSCOMMAND|RSH|SSH|ASKPASS|PAGER|EDITOR|VISUAL|BROWSER|CONNECT_PROG)',
  ].join('|')})$`,
);

/** Whether a job may not set the variable while there is an allow-list. */
function isHostileVariable(name: string): boolean {
  return HOSTILE_VARIABLE.test(name);
}

/** What the walk has found, also in the arguments of programs. */
interface Walked {
  programs: ReadonlySet<string>;
  /** Whether it read all of the command. */
  isRead: boolean;
}

/** Everything about the command that the list does not admit. */
export function* unlisted(
  { command, args = [], shell = DEFAULT_SHELL, env = [] }: ListedCommand,
  { programs, isRead }: Walked,
  allowList: readonly string[],
): Generator<Finding> {
  if (!isRead)
    yield notCheckable(
      '',
      'The validator cannot read all of the command, so the allow-list of programs refuses it.',
    );
  yield* env
    .map(({ name }) => name)
    .filter(isHostileVariable)
    .map(hostile);
  if (command === undefined) {
    yield* args.flatMap(hostileOperand);
    return yield* notListed(programs, allowList, new Set());
  }
  if (!isCheckedShell(shell, allowList))
    yield notCheckable(shell, `The allow-list of programs cannot check commands of the shell ${shell}.`);
  const commands = readPlainScript(command);
  if (!('notPlain' in commands)) return yield* ofScript(commands, programs, allowList);
  yield notCheckable(
    command,
    `With an allow-list of programs, a command may not contain ${commands.notPlain}.`,
  );
}

function* ofScript(
  commands: readonly PlainCommand[],
  programs: ReadonlySet<string>,
  allowList: readonly string[],
): Generator<Finding> {
  yield* commands.flatMap(({ assigned }) => assigned.filter(isHostileVariable).map(hostile));
  const seen = commands.flatMap(({ words }) => words.slice(0, 1));
  const found = [...programs].filter((path) => path !== 'for');
  yield* notListed(new Set([...seen, ...found]), allowList, BUILTINS);
  for (const { words } of commands) yield* [...words.flatMap(hostileOperand), ...ofBuiltin(words)];
}

function* notListed(
  programs: Iterable<string>,
  allowList: readonly string[],
  builtins: ReadonlySet<string>,
): Generator<Finding> {
  for (const path of programs) {
    if (builtins.has(path) || allowList.includes(path)) continue;
    const shown = path.replaceAll(QUOTED, '…').replaceAll(UNQUOTED, '…');
    yield finding(shown, 'not-on-allow-list', 'high', `${shown} is not on the allow-list of programs.`);
  }
}

function isCheckedShell(shell: string, allowList: readonly string[]): boolean {
  const name = baseName(shell);
  const isSystem = SYSTEM_DIRECTORIES.some((directory) => shell === `${directory}/${name}`);
  return CHECKED_SHELLS.has(name) && (isSystem || allowList.includes(shell));
}

/** Builtins that could set a hostile variable, or evaluate a text, by an argument. */
function* ofBuiltin([name = '', ...args]: readonly string[]): Generator<Finding> {
  if (ASSIGNING.has(name)) yield* args.flatMap((arg) => ofAssignment(name, arg));
  if (name === 'printf' && /^(-|$)/.test(knownStart(args[0] ?? '')) && args[0] !== '--')
    yield notCheckable(
      name,
      'With an allow-list of programs, the format of printf begins with a known character, and no option.',
    );
  if ((name === 'test' || name === '[') && !isPlainTest(args))
    yield notCheckable(
      name,
      `With an allow-list of programs, the operators of ${name} must be known, and neither -v nor -R.`,
    );
}

function ofAssignment(builtin: string, arg: string): Finding[] {
  const [, name = '', value] = /^([^=]*)(=[^]*)?$/.exec(arg) ?? [];
  const isKnown =
    /^[\w:.,?! -]*$/.test(name) && !arg.includes(UNQUOTED) && !(builtin === 'wait' && name.startsWith('-'));
  if (!isKnown || (value !== undefined && !/^[A-Za-z_]\w*$/.test(name)))
    return [
      notCheckable(arg, `With an allow-list of programs, the arguments of ${builtin} must be known names.`),
    ];
  return isHostileVariable(name) ? [hostile(name)] : [];
}

/** `env PATH=… program` */
function hostileOperand(arg: string): Finding[] {
  const [, name = ''] = /^([A-Za-z_]\w*)=/.exec(arg) ?? [];
  return isHostileVariable(name) ? [hostile(name)] : [];
}

/**
 * bash evaluates the operand of -v and -R, and in it the index of an array: each unknown operand needs a known operator at
 * its side, and no operand may have such an index.
 */
function isPlainTest(args: readonly string[]): boolean {
  const operands = args.filter((arg) => arg !== ']');
  if (operands.some((arg) => arg.includes(UNQUOTED) || /^-[vR]$|\[[^]*[$`]/.test(arg))) return false;
  return operands.every(
    (arg, at) =>
      !arg.includes(QUOTED) ||
      operands.length === 1 ||
      isOperator(operands[at - 1]) ||
      isBinary(operands[at + 1]),
  );
}

function isOperator(arg: string | undefined): boolean {
  return arg !== undefined && (/^-[a-zA-Z]{1,2}$/.test(arg) || isBinary(arg));
}

function isBinary(arg: string | undefined): boolean {
  return arg !== undefined && /^(=|==|!=|<|>|-(eq|ne|lt|le|gt|ge|nt|ot|ef))$/.test(arg);
}

function knownStart(text: string): string {
  return text.startsWith(QUOTED) || text.startsWith(UNQUOTED) ? '' : text.slice(0, 1);
}

function hostile(name: string): Finding {
  const message = `With an allow-list of programs, a job may not set ${name}, which can make a program run others.`;
  return notCheckable(name, message);
}

function notCheckable(source: string, message: string): Finding {
  return finding(source, 'not-checkable', 'high', message);
}
