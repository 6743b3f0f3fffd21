// Writes to disks, to kernel triggers, and to the files that hold accounts.
import { finding, type Finding, type Invocation } from '../invocation.ts';
import { isRawDevice, resolvePath } from '../paths.ts';

const FORMATTERS = /^(mkfs(\.\w+)?|mke2fs|mkswap|newfs\w*|wipefs|blkdiscard|shred)$/;

/** mkfs and similar programs. */
export function format({ program, args, source }: Invocation): Finding[] {
  if (!FORMATTERS.test(program)) return [];
  if (args.some((arg) => arg.startsWith('/dev/') && arg !== '/dev/null')) {
    return [finding(source, 'format-device', 'critical', `${program} destroys the contents of the device.`)];
  }
  if (program === 'shred') return [];
  return [finding(source, 'format', 'medium', `${program} destroys the contents of its target.`)];
}

/** `dd of=/dev/sda`, `cp x /dev/sda`, `tee /dev/sda`. */
export function writeDevice({ program, args, cwd, source }: Invocation): Finding[] {
  const target =
    program === 'dd'
      ? args.find((arg) => arg.startsWith('of='))?.slice(3)
      : ['cp', 'tee', 'mv', 'install', 'truncate'].includes(program)
        ? args.at(-1)
        : undefined;
  return target === undefined ? [] : writtenFile(resolvePath(target, cwd), source);
}

/** `> /dev/sda` and similar redirections. */
export function redirectToDevice({ redirects, cwd, source }: Invocation): Finding[] {
  return redirects
    .filter(({ operator }) => operator.includes('>'))
    .flatMap(({ target }) => writtenFile(resolvePath(target, cwd), source));
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
