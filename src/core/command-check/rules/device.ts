// Writes to disks, to kernel triggers, and to the files that hold accounts.
import { finding, optionsOf, type Finding, type Invocation } from '../invocation.ts';
import { isRawDevice, resolvePath } from '../paths.ts';
import { stringsInCode } from '../programs.ts';
import { isDryRun } from './dry-run.ts';

const FORMATTERS = /^(mkfs(\.\w+)?|mke2fs|mkswap|newfs\w*|wipefs|blkdiscard|shred|mkntfs|mkdosfs)$/;
/** Other programs that destroy a device or a volume, with the arguments by which they do. */
const DESTROYERS: Record<string, RegExp> = {
  sgdisk: /^(-[a-zA-Z]*[Zo]|--zap(-all)?|--clear)$/,
  parted: /^(mklabel|mktable|rm)$/,
  sfdisk: /^--delete$/,
  badblocks: /^-[a-z]*w/,
  cryptsetup: /^(luksFormat|luksErase|erase)$/,
  hdparm: /^--security-erase/,
  nvme: /^(format|sanitize)$/,
  mdadm: /^--zero-superblock$/,
  zpool: /^(destroy|labelclear)$/,
  dmsetup: /^remove_all$/,
  lvremove: /^(-[a-zA-Z]*[fy]|--force|--yes)$/,
  vgremove: /^(-[a-zA-Z]*[fy]|--force|--yes)$/,
  pvremove: /^(-[a-zA-Z]*[fy]|--force|--yes)$/,
};

const PARTITIONERS = new Set(['fdisk', 'gdisk', 'cfdisk']);

/** mkfs and similar programs. */
export function format({ program, args, source }: Invocation): Finding[] {
  if (isDryRun(program, args)) return [];
  if (!FORMATTERS.test(program)) return destroy(program, args, source);
  if (args.some((arg) => arg.startsWith('/dev/') && arg !== '/dev/null')) {
    return [finding(source, 'format-device', 'critical', `${program} destroys the contents of the device.`)];
  }
  if (program === 'shred') return [];
  return [finding(source, 'format', 'medium', `${program} destroys the contents of its target.`)];
}

function destroy(program: string, args: readonly string[], source: string): Finding[] {
  const destroyer = Object.hasOwn(DESTROYERS, program) ? DESTROYERS[program] : undefined;
  if (!args.some((arg) => destroyer?.test(arg)) && !endsVolume(program, args)) return [];
  return [
    finding(source, 'format-device', 'critical', `${program} destroys the contents of a device or volume.`),
  ];
}

function endsVolume(program: string, args: readonly string[]): boolean {
  if (PARTITIONERS.has(program)) return args.length === 1 && isRawDevice(args[0]!);
  // A dataset below the pool and a snapshot have a name with `/` or `@`.
  return program === 'zfs' && args.length > 1 && args[0] === 'destroy' && /^\w[^/@]*$/.test(args.at(-1)!);
}

/** `dd of=/dev/sda`, `cp x /dev/sda`, `tee /dev/sda`, `sed -i … /etc/passwd`. */
export function writeDevice({ program, args, cwd, source }: Invocation): Finding[] {
  return targets(program, args).flatMap((target) => writtenFile(resolvePath(target, cwd), source));
}

function targets(program: string, args: readonly string[]): string[] {
  if (program === 'dd') return args.filter((arg) => arg.startsWith('of=')).map((arg) => arg.slice(3));
  if (program === 'tee') return optionsOf(args).operands;
  if (program === 'sed' && args.some((arg) => /^(-[a-zA-Z]*i|--in-place)/.test(arg))) return args.slice(-1);
  if (['cp', 'mv', 'install', 'truncate', 'ln', 'pv'].includes(program)) return args.slice(-1);
  return [];
}

/** `> /dev/sda` and similar redirections. */
export function redirectToDevice({ redirects, cwd, source }: Invocation): Finding[] {
  return redirects
    .filter(({ operator }) => operator.includes('>'))
    .flatMap(({ target }) => writtenFile(resolvePath(target, cwd), source));
}

/** `open('/dev/sda', 'wb')` in the code of an interpreter. */
export function codeWritesDevice({ foreignCode, source }: Invocation): Finding[] {
  return foreignCode.flatMap((code) => {
    const strings = stringsInCode(code);
    if (!strings.some((text) => /^[wa]b?\+?$|^r\+b?$|^>>?$/.test(text))) return [];
    return strings.filter((text) => text.startsWith('/')).flatMap((path) => writtenFile(path, source));
  });
}

function writtenFile(path: string, source: string): Finding[] {
  if (isRawDevice(path))
    return [finding(source, 'write-device', 'critical', `Writes over the device ${path}.`)];
  if (path === '/proc/sysrq-trigger') {
    return [
      finding(source, 'kernel-trigger', 'critical', 'Makes the kernel crash, reboot or kill processes.'),
    ];
  }
  if (/^\/etc\/(passwd|shadow|gshadow|group|sudoers(\.d\/.*)?|ld\.so\.preload|pam\.d\/.*)$/.test(path)) {
    return [
      finding(source, 'write-accounts', 'critical', `Writes to ${path}, which controls accounts and rights.`),
    ];
  }
  if (/\/\.ssh\/authorized_keys2?$/.test(path)) {
    return [finding(source, 'write-accounts', 'medium', `Writes to ${path}, which controls logins.`)];
  }
  return [];
}
