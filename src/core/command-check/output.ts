// The output of a program: whether it is a download, decoded text, or a known text; and the known texts on its
// standard input that the program would run.
import { mergeFlows, type Flow, type Invocation } from './invocation.ts';
import { isInterpreter, SHELLS } from './programs.ts';
import { decodeEscapes } from './words.ts';

const DOWNLOADERS = new Set(
  'curl wget fetch aria2c axel http https xh lynx w3m lwp-request GET ftp nc ncat netcat socat dig host nslookup'.split(
    ' ',
  ),
);
const DECODERS = new Set(['base64', 'base32', 'basenc', 'openssl', 'xxd', 'uudecode']);
const STDIN_FILES = new Set(['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0', '<()']);

/** Whether the program is a shell or an interpreter that reads its commands from standard input. */
export function runsItsInput({ program, args }: Pick<Invocation, 'program' | 'args'>): boolean {
  if (program === 'source' || program === '.') return STDIN_FILES.has(args[0] ?? '');
  const shell = SHELLS.has(program);
  if (!shell && !isInterpreter(program)) return false;
  if (args.some((arg) => shell && /^-[a-z]*s/.test(arg))) return true;
  if (args.some((arg) => isCode(program, arg))) return false;
  const operand = firstOperand(args);
  return operand === undefined || STDIN_FILES.has(operand);
}

function firstOperand(args: readonly string[]): string | undefined {
  return args.find((arg, at) => {
    const isValue = at > 0 && /^[-+][oO]$|^--(rcfile|init-file)$/.test(args[at - 1]!);
    return !isValue && (arg === '-' || !arg.startsWith('-'));
  });
}

/** Whether the option carries the code, or only prints help or a version. */
function isCode(program: string, arg: string): boolean {
  if (SHELLS.has(program)) return /^-[a-zA-Z]*c|^--(help|version)$/.test(arg);
  return /^-[a-zA-Z]*[cemrEpnvV]|^--(eval|print|version|help)/.test(arg);
}

export interface Output {
  flow: Flow;
  /** Known texts that the program runs as shell scripts. */
  consumedScripts: string[];
}

/** The output of the program, and the texts of its input that it runs. */
export function outputOf(invocation: Invocation): Output {
  const { program, args, input, argsFlow } = invocation;
  const runsInput = runsItsInput(invocation);
  const produced: Flow = {
    downloaded: DOWNLOADERS.has(program),
    decoded: isDecoder(program, args),
    shell: runsInput && SHELLS.has(program),
    texts: literalTexts(invocation),
    words: literalWords(program, args),
  };
  const passed = { ...input, texts: program === 'cat' || program === 'tee' ? input.texts : [], words: [] };
  return {
    flow: [passed, { ...argsFlow, texts: [], words: [] }, produced].reduce(mergeFlows),
    consumedScripts: runsInput && !isInterpreter(program) ? input.texts : [],
  };
}

function isDecoder(program: string, args: readonly string[]): boolean {
  if (!DECODERS.has(program)) return false;
  return program === 'uudecode' || args.some((arg) => /^-[a-zA-Z]*[dDr]|^--decode$|^-?-?base64$/.test(arg));
}

function literalTexts({ program, args }: Invocation): string[] {
  if (program === 'printf') return [decodeEscapes(args.join(' '))];
  if (program !== 'echo') return [];
  const words = args.filter((arg) => !/^-[neE]+$/.test(arg)).join(' ');
  return args.some((arg) => /^-[nE]*e/.test(arg)) ? [decodeEscapes(words)] : [words];
}

function literalWords(program: string, args: readonly string[]): string[] {
  if (program === 'echo' || program === 'printf' || program === 'ls')
    return args.filter((arg) => !arg.startsWith('-'));
  if (program !== 'find') return [];
  const end = args.findIndex((arg) => arg.startsWith('-'));
  return args.slice(0, end === -1 ? undefined : end);
}
