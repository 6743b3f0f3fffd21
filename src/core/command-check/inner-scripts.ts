// Finds the scripts in the arguments of programs: sh -c, eval, ssh, trap, find -exec, lsh, and commands in containers.
import { shellCode } from './code.ts';
import { SHELLS } from './programs.ts';
import { shellQuote } from './shell/shell-quote.ts';
import { skipOptions } from './unwrap.ts';

export interface InnerScript {
  text: string;
  /** What the script reads as `$0`, `$1`, …. */
  positional?: string[];
  /** Runs in the shell itself, with its variables and its directory. */
  inPlace?: true;
}

const CONTAINER_TOOLS = new Set([
  'docker',
  'podman',
  'nerdctl',
  'docker-compose',
  'podman-compose',
  'finch',
  'crictl',
]);
/** Programs that run the words behind `--`. */
const AFTER_DASHES = new Set(
  'kubectl oc k3s microk8s lxc incus pct lxc-attach distrobox op dotenv aws-vault doppler infisical'.split(
    ' ',
  ),
);
/** Long options of `docker run` and `exec` that take no value. */
const CONTAINER_FLAGS =
  /^--(rm|init|privileged|read-only|detach|interactive|tty|no-healthcheck|sig-proxy|publish-all|oom-kill-disable|quiet|disable-content-trust|no-deps|service-ports|no-TTY|T|replace|systemd)$/;
const FIND_EXEC = /^-(exec|execdir|ok|okdir)$/;
/** Words behind one -exec that are read. */
const MAX_EXEC_WORDS = 64;

type Finder = (args: readonly string[], program: string) => InnerScript[];

const SCRIPT_OPTION = /^(-[a-z]*c|--(session-)?command)$/;
const byOption: Finder = (args) => optionValue(args, SCRIPT_OPTION);

const FINDERS = new Map<string, Finder>([
  ['eval', evalScript],
  ['alias', (args) => args.flatMap((arg) => inPlace(arg.replace(/^[^=]{1,256}=/, '')))],
  ['ansible', (args) => optionValue(args, /^(-[a-z]*a|--args)$/)],
  ['trap', (args) => args.slice(0, 1).flatMap(inPlace)],
  ['su', byOption],
  ['runuser', (args) => [...byOption(args, 'runuser'), ...runuserScripts(args)]],
  ['script', byOption],
  ['flock', byOption],
  ['sg', byOption],
  ['vagrant', byOption],
  ['gcloud', byOption],
  ['nix-shell', (args) => optionValue(args, /^--(run|command)$/)],
  ['env', (args) => [{ text: args.join(' ').replace(/^(-S|--split-string)=?/, '') }]],
  ['lsh', lshScripts],
  ['watch', operandsBehind],
  ['ssh', operandsBehind],
  ['autossh', operandsBehind],
  ['mosh', operandsBehind],
  ['vi', editorScripts],
  ['vim', editorScripts],
  ['ex', editorScripts],
  ['find', (args) => execCommands(args).flatMap(quoted)],
]);

/** The texts that the program would run as shell scripts. */
export function innerScripts(program: string, args: readonly string[]): InnerScript[] {
  if (SHELLS.has(program)) return [shellCode(args) ?? []].flat();
  if (CONTAINER_TOOLS.has(program)) return containerScripts(args);
  if (AFTER_DASHES.has(program)) return afterDashes(args);
  return FINDERS.get(program)?.(args, program) ?? [];
}

/** The output of a substitution is unknown here; the rule evalOfOutput judges it. */
function evalScript(args: readonly string[]): InnerScript[] {
  const words = args.filter((arg) => arg !== '--');
  return inPlace(words.join(' ').replaceAll('$()', ''));
}

/** `vim -c ':!COMMAND'`. */
function editorScripts(args: readonly string[]): InnerScript[] {
  return args.filter((arg) => /^\+?:?!/.test(arg)).map((arg) => ({ text: arg.replace(/^\+?:?!/, '') }));
}

function inPlace(text: string): InnerScript[] {
  return [{ text, inPlace: true }];
}

function quoted(words: readonly string[]): InnerScript[] {
  return words.length === 0 ? [] : [{ text: words.map(shellQuote).join(' ') }];
}

function optionValue(args: readonly string[], option: RegExp): InnerScript[] {
  return valueOf(args, option).map((text) => ({ text }));
}

/** `runuser -u USER -- PROGRAM …`. */
function runuserScripts(args: readonly string[]): InnerScript[] {
  if (!args.some((arg) => /^(-u|--user)/.test(arg))) return [];
  return quoted(args.slice(skipOptions(args, 0, { valued: 'ugG', long: 'user group supp-group' })));
}

/** `lsh secrets run -- PROGRAM …` and the commands of `lsh secrets rotate`. */
function lshScripts(args: readonly string[]): InnerScript[] {
  const options = [/^--generate$/, /^--verify$/, /^--retire$/];
  return [...options.flatMap((option) => optionValue(args, option)), ...afterDashes(args)];
}

/** The command of watch, or the command that ssh runs on its host. */
function operandsBehind(args: readonly string[], program: string): InnerScript[] {
  const watch = program === 'watch';
  const valued = watch ? 'n' : 'BbcDEeFIiJLlmOopQRSWw';
  const start = skipOptions(args, 0, { valued, long: watch ? 'interval' : '', operands: watch ? 0 : 1 });
  const words = args.slice(start);
  return [{ text: (words[0] === '--' ? words.slice(1) : words).join(' ') }];
}

/** The words of each -exec of find. */
export function execCommands(args: readonly string[]): string[][] {
  const commands: string[][] = [];
  for (let at = 0; at < args.length; at++) {
    if (!FIND_EXEC.test(args[at]!)) continue;
    const rest = args.slice(at + 1, at + 1 + MAX_EXEC_WORDS);
    const end = rest.findIndex((arg) => arg === ';' || arg === '+');
    commands.push(end === -1 ? rest : rest.slice(0, end));
  }
  return commands;
}

/** `docker exec`, `docker run`, `docker compose exec` and their like: the words behind the container or the image. */
function containerScripts(args: readonly string[]): InnerScript[] {
  const at = args.findIndex((arg) => arg === 'exec' || arg === 'run');
  if (at === -1) return [];
  let start = at + 1;
  while (args[start]?.startsWith('-')) start += takesNextWord(args[start]!) ? 2 : 1;
  const options = args.slice(at + 1, start);
  const words = [...valueOf(options, /^--entrypoint$/), ...args.slice(start + 1)];
  const root = valueOf(options, /^(-v|--volume)$/).flatMap(
    (volume) => /^\/:(\/[\w./-]{1,64})/.exec(volume)?.[1] ?? [],
  );
  // `-v /:/host`: the container sees the root of the machine there.
  return quoted(words.map((word) => root.reduce((text, place) => text.replaceAll(place, '/'), word)));
}

/** Whether the value of the option is the next word. */
function takesNextWord(option: string): boolean {
  if (option.startsWith('--')) return !option.includes('=') && !CONTAINER_FLAGS.test(option);
  return /^-[a-zA-Z]*[evuwlpmhn]$/.test(option) || (option.length === 2 && !/^-[ditPqT]$/.test(option));
}

/** The first value of the option: `--name VALUE` or `--name=VALUE`. */
function valueOf(args: readonly string[], option: RegExp): string[] {
  for (const [at, arg] of args.entries()) {
    const [, name = arg, value = args[at + 1]] = /^(--[a-z-]+)=([^]*)$/.exec(arg) ?? [];
    if (option.test(name)) return value === undefined ? [] : [value];
  }
  return [];
}

function afterDashes(args: readonly string[]): InnerScript[] {
  const at = args.indexOf('--');
  return at === -1 ? [] : quoted(args.slice(at + 1));
}
