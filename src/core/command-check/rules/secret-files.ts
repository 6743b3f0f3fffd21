// Reads of password hashes and private keys, by any program.
import { execCommands } from '../inner-scripts.ts';
import { finding, shown, type Finding, type Invocation, type Level } from '../invocation.ts';
import { baseName, isPattern, matchesPattern, resolvePath } from '../paths.ts';
import { stringsInCode } from '../programs.ts';

const SHADOW = /^\/etc\/(g?shadow-?|master\.passwd|security\/opasswd)$/;
const HOST_KEY = /^\/etc\/ssh\/ssh_host_\w+_key$/;
const KEY_NAME = /^(id_[^/]*|[^/]*_key|[^/]*\.pem|identity)$/;
/** Files that a pattern such as /etc/sh* would match. */
const KNOWN_SECRETS =
  '/etc/shadow /etc/shadow- /etc/gshadow /etc/sudoers /etc/passwd /etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key'.split(
    ' ',
  );
const KNOWN_KEYS = ['id_rsa', 'id_ed25519', 'id_ecdsa', 'id_dsa', 'identity'];
/** Programs that do not print a file, or that use a key for its purpose. */
const HARMLESS = new Set(
  'echo printf ls stat test [ [[ find touch mkdir chmod chown chgrp rm shred cd for select export local declare readonly typeset alias ssh-add ssh-keygen ssh-copy-id keychain'.split(
    ' ',
  ),
);
/** Programs that print or copy all that they read. */
const DUMPERS = new Set(
  'cat less more head tail tac nl strings xxd od hexdump base64 curl nc ncat cp scp rsync tar zip tee grep'.split(
    ' ',
  ),
);
/** The list of accounts holds no secret: a backup or a search of it is an everyday job. */
const COPIERS = new Set('cp rsync tar zip tee grep'.split(' '));
const MAX_PATH = 1024;

/** Reads of shadow files and private keys. */
export function secretFiles({ program, args, redirects, cwd, source, foreignCode }: Invocation): Finding[] {
  const read = redirects.filter(({ operator }) => operator === '<').map(({ target }) => target);
  const named = HARMLESS.has(program)
    ? []
    : args.filter((arg, at) => !isKeyOption(program, args[at - 1], arg)).map(fileOf);
  const found = program === 'find' && execCommands(args).some(([first = '']) => DUMPERS.has(baseName(first)));
  const opened = foreignCode.flatMap(stringsInCode).filter((text) => text.startsWith('/'));
  return [...read, ...named, ...(found ? foundFiles(args) : []), ...opened].flatMap((file) => {
    if (file.length > MAX_PATH) return [];
    const path = resolvePath(file, cwd);
    const [secret, level] = secretIn(path, program);
    return level === 'none' ? [] : [finding(source, 'read-secret', level, `Reads ${secret}: ${shown(path)}`)];
  });
}

/** `ssh -i key`, `rsync -e 'ssh -i key'`, `--private-key key`, `-o IdentityFile=key` use a key without printing it. */
function isKeyOption(program: string, before = '', arg: string): boolean {
  // A command in one word, such as `--rsh="ssh -i key"`, is no path.
  if (/^\S{1,256}\s/.test(arg) || /^--(exclude|filter|ignore)/.test(arg) || /^(-X|--exclude)$/.test(before))
    return true;
  if (program === 'rsync' && /^(-[a-zA-Z]*e|--rsh)$/.test(before)) return true;
  if (before.length <= 64 && /^-(i|-?[\w-]*(key|identity)[\w-]*)$/i.test(before)) return true;
  return /^(-o)?(IdentityFile|--[\w-]{0,64}?(key|identity)[\w-]{0,64})=/i.test(arg);
}

/** `if=FILE`, `@FILE`, `-d@FILE`, `key=@FILE`, `--option=FILE`. */
function fileOf(arg: string): string {
  return (/[=@]([^=@]+)$/.exec(arg.slice(0, 4096))?.[1] ?? arg).replace(/^file:\/\//, '');
}

/** The files that find passes to its -exec: a start, or what matches the name below it. */
function foundFiles(args: readonly string[]): string[] {
  const starts = args.slice(
    0,
    args.findIndex((arg) => /^[-(!]/.test(arg)),
  );
  const name = args[args.indexOf('-name') + 1];
  return args.includes('-name') ? starts.map((start) => `${start}/${name}`) : starts;
}

function secretIn(path: string, program: string): [string, Level] {
  if (isPattern(path)) return secretOfPattern(path, program);
  if (SHADOW.test(path)) return ['the password hashes of this machine', 'critical'];
  if (HOST_KEY.test(path)) return ['the private key of this machine', 'critical'];
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (path.includes('/.ssh/') && KEY_NAME.test(name) && !name.endsWith('.pub'))
    return ['a private key', 'critical'];
  return DUMPERS.has(program) ? dumpedSecret(path, program) : ['', 'none'];
}

/** Secrets only for a program that prints or copies the whole file. */
function dumpedSecret(path: string, program: string): [string, Level] {
  if (path.endsWith('/.ssh')) return ['private keys', 'critical'];
  if (COPIERS.has(program)) return ['', 'none'];
  if (/^\/etc\/passwd-?$/.test(path)) return ['the list of accounts', 'high'];
  if (path === '/etc/sudoers') return ['the list of users who may become root', 'high'];
  return ['', 'none'];
}

/** The worst secret that the shell would put in place of the pattern. */
function secretOfPattern(path: string, program: string): [string, Level] {
  const [, directory, name] = /^(.*\/\.ssh)\/([^]*)$/.exec(path) ?? [];
  const key = KNOWN_KEYS.find((each) => name !== undefined && matchesPattern(name, each));
  if (key !== undefined) return secretIn(`${directory!.replaceAll(/[*?[]/g, '_')}/${key}`, program);
  const secret = KNOWN_SECRETS.find(
    (file) => matchesPattern(path, file) && secretIn(file, program)[1] !== 'none',
  );
  return secret === undefined ? ['', 'none'] : secretIn(secret, program);
}
