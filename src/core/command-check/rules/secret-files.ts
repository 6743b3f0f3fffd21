// Reads of password hashes and private keys, by any program.
import { finding, type Finding, type Invocation, type Level } from '../invocation.ts';
import { resolvePath } from '../paths.ts';

const SHADOW = /^\/etc\/(g?shadow-?|master\.passwd|security\/opasswd)$/;
const HOST_KEY = /^\/etc\/ssh\/ssh_host_\w+_key$/;
/** Programs that do not print a file, or that use a key for its purpose. */
const HARMLESS = new Set(
  'echo printf ls stat test [ [[ find touch mkdir chmod chown chgrp rm shred cd ssh-add ssh-keygen ssh-copy-id'.split(
    ' ',
  ),
);
const DUMPERS = new Set(
  'cat less more head tail tac nl strings xxd od hexdump base64 curl nc ncat cp scp tar zip tee'.split(' '),
);

/** Reads of shadow files and private keys. */
export function secretFiles({ program, args, redirects, cwd, source }: Invocation): Finding[] {
  const read = redirects.filter(({ operator }) => operator === '<').map(({ target }) => target);
  const named = HARMLESS.has(program)
    ? []
    : args.filter((arg, at) => !isKeyOption(program, args[at - 1], arg)).map(fileOf);
  return [...read, ...named].flatMap((file) => {
    const path = file.length > 1024 ? file : resolvePath(file, cwd);
    const [secret, level] = secretIn(path, program);
    return level === 'none' ? [] : [finding(source, 'read-secret', level, `Reads ${secret}: ${path}`)];
  });
}

/** `ssh -i key`, `rsync -e 'ssh -i key'`, `--private-key key`, `-o IdentityFile=key` use a key without printing it. */
function isKeyOption(program: string, before: string | undefined, arg: string): boolean {
  if (program === 'rsync' && /^(-[a-zA-Z]*e|--rsh)$/.test(before ?? '')) return true;
  if (/^-(i|-?[\w-]*(key|identity)[\w-]*)$/i.test(before ?? '')) return true;
  return /^(-o)?(IdentityFile|--[\w-]*(key|identity)[\w-]*)=/i.test(arg);
}

/** `if=FILE`, `@FILE`, `-d@FILE`, `key=@FILE`, `--option=FILE`. */
function fileOf(arg: string): string {
  return /[=@]([^=@]+)$/.exec(arg.slice(0, 4096))?.[1] ?? arg;
}

function secretIn(path: string, program: string): [string, Level] {
  if (SHADOW.test(path)) return ['the password hashes of this machine', 'critical'];
  if (HOST_KEY.test(path)) return ['the private key of this machine', 'critical'];
  if (path.endsWith('/.ssh') && DUMPERS.has(program)) return ['private keys', 'critical'];
  const key = /\/\.ssh\/(?:[^/]+\/)*(id_[^/]*|[^/]*_key|[^/]*\.pem|identity)$/.exec(path)?.[1];
  if (key !== undefined && !key.endsWith('.pub')) return ['a private key', 'critical'];
  if (/^\/etc\/passwd-?$/.test(path) && DUMPERS.has(program)) return ['the list of accounts', 'high'];
  if (/^\/etc\/sudoers$/.test(path) && DUMPERS.has(program))
    return ['the list of users who may become root', 'high'];
  return ['', 'none'];
}
