// Removes prefixes (sudo, env, nohup, xargs, …) in front of the program that runs.
import { baseName } from './paths.ts';

interface Prefix {
  /** Short options with a value. */
  valued?: string;
  /** Long options whose value may be the next word, separated by blanks. */
  long?: string;
  /** Operands before the program. */
  operands?: number;
  elevates?: true;
}

const SUDO_LONG = 'user group chdir host prompt chroot role type command-timeout other-user close-from';

const PREFIXES = new Map<string, Prefix>(
  Object.entries({
    sudo: { valued: 'ugCDhpRrTtU', long: SUDO_LONG, elevates: true },
    doas: { valued: 'uCa', elevates: true },
    pkexec: { long: 'user', elevates: true },
    gosu: { operands: 1 },
    'su-exec': { operands: 1 },
    setpriv: { long: 'reuid regid groups inh-caps ambient-caps bounding-set securebits pdeathsig' },
    env: { valued: 'uCa', long: 'unset chdir argv0' },
    nohup: {},
    time: { valued: 'fo', long: 'format output' },
    nice: { valued: 'n', long: 'adjustment' },
    ionice: { valued: 'cnpPu', long: 'class classdata pid pgid uid' },
    chrt: { valued: 'TPD', long: 'sched-runtime sched-period sched-deadline', operands: 1 },
    taskset: { operands: 1 },
    numactl: { valued: 'ilmNCp', long: 'interleave membind cpunodebind physcpubind preferred' },
    prlimit: { valued: 'o', long: 'output' },
    choom: { valued: 'n', long: 'adjust' },
    cgexec: { valued: 'g' },
    timeout: { valued: 'ks', long: 'signal kill-after', operands: 1 },
    gtimeout: { valued: 'ks', long: 'signal kill-after', operands: 1 },
    stdbuf: { valued: 'ioe', long: 'input output error' },
    setsid: {},
    command: {},
    builtin: {},
    exec: { valued: 'a' },
    coproc: {},
    chroot: { long: 'userspec groups', operands: 1 },
    flock: { valued: 'wE', long: 'timeout wait conflict-exit-code', operands: 1 },
    setlock: { operands: 1 },
    'run-one': {},
    strace: { valued: 'oeEpsu', long: 'output user trace attach' },
    ltrace: { valued: 'oeusnp' },
    unshare: { valued: 'SGRw', long: 'setuid setgid root wd propagation' },
    nsenter: { valued: 'tSGNW', long: 'target setuid setgid' },
    'systemd-run': {
      valued: 'puEdMH',
      long: 'property unit setenv working-directory machine host slice description uid gid nice on-calendar on-active on-boot service-type timer-property',
    },
    'systemd-cat': { valued: 'tp', long: 'identifier priority' },
    'systemd-inhibit': { long: 'what who why mode' },
    'dbus-run-session': {},
    'xvfb-run': { valued: 'nsefp', long: 'server-num server-args error-file auth-file' },
    unbuffer: {},
    eatmydata: {},
    proxychains: { valued: 'f' },
    proxychains4: { valued: 'f' },
    torsocks: {},
    fakeroot: {},
    setarch: { operands: 1 },
    sshpass: { valued: 'pfdP' },
    xargs: { valued: 'InPLsdaE', long: 'max-args max-procs max-lines max-chars delimiter arg-file' },
    parallel: { valued: 'jIaN', long: 'jobs max-args arg-file colsep delimiter joblog retries timeout' },
    busybox: {},
    toybox: {},
    chronic: {},
    cronic: {},
    caffeinate: { valued: 'tw' },
  } satisfies Record<string, Prefix>),
);

export interface Unwrapped {
  /** The program and its arguments; empty without a program. */
  words: string[];
  /** Names of the removed prefixes. */
  prefixes: string[];
  elevated: boolean;
  /** Where `env -C` and `sudo -D` start the program. */
  directory?: string;
}

/** Removes the prefixes of a command. */
export function unwrap(given: readonly string[]): Unwrapped {
  const prefixes: string[] = [];
  let elevated = false;
  let directory: string | undefined;
  let at = 0;
  while (at < given.length) {
    const name = baseName(given[at]!);
    const prefix = PREFIXES.get(name);
    if (!prefix || runsNoWords(name, given.slice(at + 1, at + 8))) break;
    const next = skipOptions(given, at + 1, prefix);
    if (next >= given.length) break;
    prefixes.push(name);
    directory = directoryIn(given.slice(at + 1, next)) ?? directory;
    elevated ||= prefix.elevates === true;
    at = next;
  }
  return { words: given.slice(at), prefixes, elevated, ...(directory !== undefined && { directory }) };
}

function directoryIn(options: readonly string[]): string | undefined {
  const long = options.find((word) => word.startsWith('--chdir='))?.slice('--chdir='.length);
  const at = options.findIndex((word) => /^(-C|-D|--chdir)$/.test(word));
  return long ?? (at === -1 ? undefined : options[at + 1]);
}

/** `command -v NAME` runs nothing; `env -S` and `flock -c` take a script instead of words. */
function runsNoWords(name: string, [first = '', ...rest]: string[]): boolean {
  if (name === 'command') return first === '-v' || first === '-V';
  if (name === 'env') return first.startsWith('-S') || first.startsWith('--split-string');
  return name === 'flock' && rest.some((word) => word === '-c' || word.startsWith('--command'));
}

/** Index of the first word behind options, variables and the operands that the prefix takes. */
export function skipOptions(words: readonly string[], start: number, prefix: Prefix): number {
  const { valued = '', long = '', operands = 0 } = prefix;
  let at = start;
  while (at < words.length) {
    const word = words[at]!;
    if (word === '--') {
      at++;
      break;
    }
    if (word.startsWith('--')) at += takesNext(word, long) ? 2 : 1;
    else if (word.startsWith('-') && word.length > 1) at += takesNext(word, valued) ? 2 : 1;
    else if (/^[A-Za-z_]\w*=/.test(word)) at++;
    else break;
  }
  return at + operands;
}

/** Whether the value of the option is the next word. Programs accept a long option cut short: `--sig` for `--signal`. */
function takesNext(option: string, valued: string): boolean {
  if (!option.startsWith('--')) return valued.includes(option.at(-1)!) && !hasValueInside(option, valued);
  const name = option.slice(2);
  return !name.includes('=') && ` ${valued}`.includes(` ${name}`);
}

/** `-n5`: the letters behind the first option with a value are the value. */
function hasValueInside(option: string, valued: string): boolean {
  return option
    .slice(1, -1)
    .split('')
    .some((letter) => valued.includes(letter));
}
