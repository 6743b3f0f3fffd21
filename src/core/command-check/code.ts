// What a program runs as code: the words that hold code or name its file, and whether it reads code from its input.
import { mergeFlows, type Invocation } from './invocation.ts';
import { isInterpreter, SHELLS } from './programs.ts';

const STDIN_FILES = new Set(['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0', '<()']);
/** Options of shells in front of a value. */
const VALUED = /^[-+][oO]$|^--(rcfile|init-file)$/;
const AT = new Set(['at', 'batch']);
const AWK = /^[gmn]?awk$/;

/** Where a command line holds code. */
interface CodePlace {
  /** Index of the argument with the code; -1 if there is none. */
  code: number;
  /** Index of the argument that names the file with the code; -1 if there is none. */
  file: number;
}

/** Whether the program is a shell or an interpreter that reads its commands from standard input. */
export function runsItsInput({ program, args }: { program: string; args: readonly string[] }): boolean {
  if (program === 'source' || program === '.') return STDIN_FILES.has(args[0] ?? '');
  if (program === 'crontab') return args.includes('-');
  if (program === 'parallel') return args.every((arg) => arg.startsWith('-'));
  if (AT.has(program)) return !args.some((arg) => /^-[a-zA-Z]*[flrcd]/.test(arg));
  const shell = SHELLS.has(program);
  if (!shell && !isInterpreter(program)) return false;
  if (args.some((arg) => shell && /^-[a-z]*s/.test(arg))) return true;
  if (args.some((arg) => isCode(program, arg))) return false;
  const { file } = codePlace(program, args);
  return file === -1 || STDIN_FILES.has(args[file]!);
}

/** Whether the option carries the code, names a module, or only prints help or a version. */
function isCode(program: string, arg: string): boolean {
  if (SHELLS.has(program)) return /^-[a-zA-Z]*c|^--(help|version)$/.test(arg);
  return /^-[a-zA-Z]*[cemrEpnvV]|^--(eval|print|version|help)|^eval$/.test(arg);
}

function codePlace(program: string, args: readonly string[]): CodePlace {
  const option = SHELLS.has(program)
    ? /^-[a-zA-Z]*c[a-zA-Z]*$/
    : /^-[a-zA-Z]*[ceEr]$|^--(eval|print)$|^eval$/;
  const at = args.findIndex((arg) => option.test(arg));
  if (at !== -1) {
    const behind = args.findIndex((arg, index) => index > at && !/^[-+][a-zA-Z-]/.test(arg));
    return { code: behind, file: -1 };
  }
  const file = args.findIndex(
    (arg, index) => (arg === '-' || !/^[-+]/.test(arg)) && !VALUED.test(args[index - 1] ?? ''),
  );
  return { code: -1, file };
}

/** Indexes of the arguments whose text or file the program runs as code. The others are data. */
function codeIndexes(program: string, args: readonly string[]): number[] {
  if (program === 'eval') return args.map((_, at) => at);
  if (program === 'source' || program === '.') return args.length > 0 ? [0] : [];
  if (!SHELLS.has(program) && !isInterpreter(program)) return [];
  const { code, file } = codePlace(program, args);
  return [code, file].filter((at) => at !== -1);
}

/** The script after `-c`, and the arguments that it reads as `$0`, `$1`, …. */
export function shellCode(args: readonly string[]): { text: string; positional: string[] } | undefined {
  const { code } = codePlace('sh', args);
  return code === -1 ? undefined : { text: args[code]!, positional: args.slice(code + 1) };
}

/** The code of an interpreter or of awk in its arguments; undefined for other programs and for files. */
function interpreterText(program: string, args: readonly string[]): string | undefined {
  if (AWK.test(program)) return args.join(' ');
  if (!isInterpreter(program)) return undefined;
  const { code } = codePlace(program, args);
  return code === -1 ? undefined : args.join(' ');
}

/** Adds the bytes that the program runs as code: from its name, from words and files in its arguments, from its input. */
export function withCode(invocation: Omit<Invocation, 'code' | 'foreignCode'>): Invocation {
  const { program, args, argFlows, programFlow, input } = invocation;
  const flows = [programFlow, ...codeIndexes(program, args).map((at) => argFlows[at]!)];
  if (runsItsInput(invocation)) flows.push(input);
  const code = flows.reduce(mergeFlows);
  const text = interpreterText(program, args);
  const foreignCode = [...(text === undefined ? [] : [text]), ...(isInterpreter(program) ? code.texts : [])];
  return { ...invocation, code, foreignCode };
}
