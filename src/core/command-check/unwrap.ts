// Removes prefixes (sudo, env, nohup, xargs, …) in front of the program that runs, and finds the scripts in the
// arguments of programs (sh -c, eval, ssh, trap, …).
import { baseName } from './paths.ts';
import { SHELLS } from './programs.ts';
import { shellQuote } from './shell-quote.ts';

interface Prefix {
  /** Short options with a value. */
  valued?: string;
  /** Operands before the program. */
  operands?: number;
  elevates?: true;
}

const PREFIXES = new Map<string, Prefix>(
  Object.entries({
    sudo: { valued: 'ugCDhpRrTtU', elevates: true },
    doas: { valued: 'uC', elevates: true },
    env: { valued: 'uC' },
    nohup: {},
    time: { valued: 'fo' },
    nice: { valued: 'n' },
    ionice: { valued: 'cnpPu' },
    chrt: { operands: 1 },
    taskset: { operands: 1 },
    timeout: { valued: 'ks', operands: 1 },
    gtimeout: { valued: 'ks', operands: 1 },
    stdbuf: { valued: 'ioe' },
    setsid: {},
    command: {},
    builtin: {},
    exec: { valued: 'a' },
    coproc: {},
    chroot: { operands: 1 },
    flock: { valued: 'wE', operands: 1 },
    strace: { valued: 'oeEpsu' },
    unshare: {},
    nsenter: { valued: 'tSG' },
    'systemd-run': { valued: 'puEdM' },
    xargs: { valued: 'InPLsdaE' },
    parallel: { valued: 'jIaN' },
    busybox: {},
    toybox: {},
    chronic: {},
    caffeinate: {},
  } satisfies Record<string, Prefix>),
);

export interface Unwrapped {
  /** The program and its arguments; empty without a program. */
  words: string[];
  /** Names of the removed prefixes. */
  prefixes: string[];
  elevated: boolean;
}

/** Removes the prefixes of a command. */
export function unwrap(given: readonly string[]): Unwrapped {
  const prefixes: string[] = [];
  let elevated = false;
  let at = 0;
  while (at < given.length) {
    const name = baseName(given[at]!);
    const prefix = PREFIXES.get(name);
    if (!prefix || runsNoWords(name, given.slice(at + 1, at + 8))) break;
    const next = skipPrefix(given, at + 1, prefix);
    if (next >= given.length) break;
    prefixes.push(name);
    elevated ||= prefix.elevates === true;
    at = next;
  }
  return { words: given.slice(at), prefixes, elevated };
}

/** `command -v NAME` runs nothing; `env -S` and `flock -c` take a script instead of words. */
function runsNoWords(name: string, [first = '', ...rest]: string[]): boolean {
  if (name === 'command') return first === '-v' || first === '-V';
  if (name === 'env') return first.startsWith('-S') || first.startsWith('--split-string');
  return name === 'flock' && rest.includes('-c');
}

function skipPrefix(words: readonly string[], start: number, { valued = '', operands = 0 }: Prefix): number {
  let at = start;
  while (at < words.length) {
    const word = words[at]!;
    if (word === '--') {
      at++;
      break;
    }
    if (word.startsWith('-') && word.length > 1) at += word.length === 2 && valued.includes(word[1]!) ? 2 : 1;
    else if (/^[A-Za-z_]\w*=/.test(word)) at++;
    else break;
  }
  return at + operands;
}

/** The texts that the program would run as shell scripts. */
export function innerScripts(program: string, args: readonly string[]): string[] {
  if (SHELLS.has(program)) return optionValue(args, /^-[a-zA-Z]*c[a-zA-Z]*$/);
  switch (program) {
    case 'eval':
      // The output of a substitution is unknown here; the rule evalOfOutput judges it.
      return [
        args
          .filter((arg) => arg !== '--')
          .join(' ')
          .replaceAll('$()', ''),
      ];
    case 'trap':
      return args.slice(0, 1);
    case 'su':
    case 'runuser':
    case 'script':
    case 'flock':
      return optionValue(args, /^(-c|--command)$/);
    case 'env':
      return [args.join(' ').replace(/^(-S|--split-string)=?/, '')];
    case 'watch':
    case 'ssh':
      return [operandsBehind(program, args)];
    case 'find':
      return execScripts(args);
    default:
      return [];
  }
}

function optionValue(args: readonly string[], option: RegExp): string[] {
  const at = args.findIndex((arg) => option.test(arg));
  const value = args[at + 1];
  return at === -1 || value === undefined ? [] : [value];
}

/** The command of watch, or the command that ssh runs on its host. */
function operandsBehind(program: string, args: readonly string[]): string {
  const valued = program === 'ssh' ? 'BbcDEeFIiJLlmOopQRSWw' : 'n';
  return args.slice(skipPrefix(args, 0, { valued, operands: program === 'ssh' ? 1 : 0 })).join(' ');
}

/** The commands after -exec, with each word quoted again. */
function execScripts(args: readonly string[]): string[] {
  const scripts: string[] = [];
  for (let at = 0; at < args.length; at++) {
    if (!/^-(exec|execdir|ok|okdir)$/.test(args[at]!)) continue;
    const rest = args.slice(at + 1, at + 65);
    const end = rest.findIndex((arg) => arg === ';' || arg === '+');
    const words = end === -1 ? rest : rest.slice(0, end);
    scripts.push(words.map(shellQuote).join(' '));
  }
  return scripts;
}
