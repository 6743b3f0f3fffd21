// The output of a program: whether it is a download, decoded text, or a known text; and the files that it writes.
import { runsItsInput } from './code.ts';
import { mergeFlows, NO_FLOW, optionsOf, type Flow, type Invocation } from './invocation.ts';
import { baseName } from './paths.ts';
import { isInterpreter, SHELLS } from './programs.ts';
import { isNarrowed } from './rules/deletion.ts';
import { decodeEscapes } from './shell/words.ts';

const DOWNLOADERS = new Set(
  'curl wget fetch aria2c axel http https xh lynx w3m lwp-request GET ftp tftp telnet nc ncat netcat socat dig host nslookup'.split(
    ' ',
  ),
);
/** Programs that print the lines that they read. */
const PASSES_TEXT = new Set(['cat', 'tee', 'tac', 'sort', 'uniq']);
const DECODERS = new Set(['base64', 'base32', 'basenc', 'openssl', 'xxd', 'uudecode', 'rev']);

/** The bytes that the program prints. */
export function outputOf(invocation: Invocation): Flow {
  const { program, args, input, argFlows } = invocation;
  const produced: Flow = {
    downloaded: DOWNLOADERS.has(program),
    decoded: isDecoder(program, args),
    shell: runsItsInput(invocation) && SHELLS.has(program),
    texts: literalTexts(invocation),
    words: literalWords(program, args),
  };
  const read = [input, ...argFlows].reduce(mergeFlows);
  const passed = { ...read, texts: PASSES_TEXT.has(program) ? read.texts : [], words: [] };
  return mergeFlows(passed, produced);
}

/** The texts of its input and arguments that the program runs as shell scripts. */
export function consumedScripts({ program, path, args, input, code }: Invocation): string[] {
  if (path === '$()') return code.texts;
  if (program === 'crontab') return [];
  if (program === 'ssh' && optionsOf(args).operands.length <= 1) return input.texts;
  return isInterpreter(program) ? [] : code.texts;
}

function isDecoder(program: string, args: readonly string[]): boolean {
  if (!DECODERS.has(program)) return false;
  if (program === 'openssl') return args.includes('-d');
  return (
    program === 'uudecode' || program === 'rev' || args.some((arg) => /^-[a-zA-Z]*[dDr]|^--decode$/.test(arg))
  );
}

function literalTexts({ program, args }: Invocation): string[] {
  if (program === 'printf') return [args, args.slice(1)].map((words) => decodeEscapes(words.join(' ')));
  if (program === 'ls' || program === 'find') return literalWords(program, args);
  if (program !== 'echo') return [];
  const words = args.filter((arg) => !/^-[neE]+$/.test(arg)).join(' ');
  return args.some((arg) => /^-[nE]*e/.test(arg)) ? [decodeEscapes(words)] : [words];
}

function literalWords(program: string, args: readonly string[]): string[] {
  const operands = args.filter((arg) => !arg.startsWith('-'));
  if (program === 'ls' && operands.length === 0) return ['*'];
  if (program === 'echo' || program === 'printf' || program === 'ls') return operands;
  // What find selects below a directory is not the directory itself.
  if (program !== 'find' || isNarrowed(args)) return [];
  const end = args.findIndex((arg) => arg.startsWith('-'));
  return args.slice(0, end === -1 ? undefined : end).map((start) => `${start}/*`);
}

/** Files that the program writes, and what it writes there. */
export function writtenFiles(invocation: Invocation): { file: string; flow: Flow }[] {
  const { program, args, input, argFlows } = invocation;
  const { operands } = optionsOf(args);
  switch (program) {
    case 'curl':
    case 'wget':
    case 'aria2c':
      return downloadedFiles(program, args, operands).map((file) => ({
        file,
        flow: { ...NO_FLOW, downloaded: true },
      }));
    case 'tee':
      return operands.map((file) => ({ file, flow: input }));
    case 'cp':
    case 'mv':
    case 'install': {
      const target = operands.at(-1);
      const flow = argFlows.reduce(mergeFlows, NO_FLOW);
      return target === undefined || flow === NO_FLOW ? [] : [{ file: target, flow }];
    }
    default:
      return [];
  }
}

/** `-o FILE`, `-O FILE`, `--output=FILE`; otherwise the last part of the address. */
function downloadedFiles(program: string, args: readonly string[], operands: readonly string[]): string[] {
  const letter = program === 'wget' ? 'O' : 'o';
  const named = args.flatMap((arg, at) => {
    const long = /^--output(?:-document)?(?:=([^]*))?$/.exec(arg);
    const short = new RegExp(`^-[a-zA-Z]*${letter}([^]*)$`).exec(arg);
    const match = long ?? (arg.startsWith('--') ? null : short);
    return match ? [match[1] || (args[at + 1] ?? '')] : [];
  });
  if (named.length > 0) return named;
  const directory = args[args.findIndex((arg) => /^(-P|--directory-prefix|--output-dir|-d)$/.test(arg)) + 1];
  const hasDirectory = program !== 'curl' && directory !== args[0] && directory !== undefined;
  const keepsName = program !== 'curl' || args.some((arg) => /^-[a-zA-Z]*O|^--remote-name/.test(arg));
  const names = operands.map((address) => baseName(address.replace(/[?#][^]*$/, '')));
  return keepsName ? names.map((name) => (hasDirectory ? `${directory}/${name}` : name)) : [];
}

const CHECKERS = /^(sha\d+sum|shasum|md5sum|b2sum)$/;

/** Whether the program checks files against a digest or a signature, so that they are no longer unreviewed. */
export function verifiesFiles({ program, args }: Pick<Invocation, 'program' | 'args'>): boolean {
  if (CHECKERS.test(program)) return args.some((arg) => /^-[a-z]*c|^--check$/.test(arg));
  if (program === 'openssl') return args.includes('-verify');
  if (program === 'minisign' || program === 'signify') return args.some((arg) => /^-[a-zA-Z]*V/.test(arg));
  if (program === 'gpgv') return true;
  return ['gpg', 'gpg2', 'cosign'].includes(program) && args.some((arg) => /^(--)?verify/.test(arg));
}
