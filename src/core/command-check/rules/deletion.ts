// Deletion of directories that the system or its users need: rm, find -delete, rsync --delete, mv, recursive chmod and chown.
import { execCommands } from '../inner-scripts.ts';
import { finding, optionsOf, shown, type Finding, type Invocation } from '../invocation.ts';
import {
  baseName,
  ifVariablesWereEmpty,
  isPattern,
  isSystemRoot,
  isVitalRoot,
  matchesPattern,
  resolvePath,
} from '../paths.ts';
import { SHELLS } from '../programs.ts';
import { isDryRun } from './dry-run.ts';

const ROOT_MESSAGE = 'deletes a directory that the system or its users need';

/** `rm` with a recursive option, in every spelling. */
export function recursiveDelete({ program, args, cwd, source }: Invocation): Finding[] {
  const { letters, long, operands } = optionsOf(args);
  const anyProgram = program === 'rm' || program === 'srm' || isUnknown(program);
  const recursive = /[rR]/.test(letters) || long.some((option) => /^--recu?r?s?i?v?e?$/.test(option));
  if (!anyProgram || !recursive) return [];
  if (long.includes('--no-preserve-root')) {
    return [
      finding(
        source,
        'delete-root',
        'critical',
        'The option --no-preserve-root permits the deletion of the root.',
      ),
    ];
  }
  return operands.flatMap((target) => deletedTarget(target, cwd, source, program));
}

/** Whether only the shell knows the name. */
function isUnknown(program: string): boolean {
  return /\$[{(]/.test(program);
}

function deletedTarget(target: string, cwd: string, source: string, program: string): Finding[] {
  if (isSystemRoot(resolvePath(target, cwd))) {
    return [finding(source, 'delete-root', 'critical', `${program} ${ROOT_MESSAGE}: ${shown(target)}`)];
  }
  const emptied = ifVariablesWereEmpty(target);
  if (emptied === undefined || !isSystemRoot(resolvePath(emptied, cwd))) return [];
  const message = `If a variable in ${shown(target)} is empty, this ${ROOT_MESSAGE}; write \${NAME:?} to stop instead.`;
  return [finding(source, 'delete-unset-variable', 'medium', message)];
}

/** Without these files users cannot log in, or the machine does not start. */
const VITAL_FILES =
  '/etc/passwd /etc/shadow /etc/group /etc/fstab /etc/sudoers /boot/vmlinuz /boot/initrd.img /boot/grub/grub.cfg /bin/sh /bin/bash /lib/x86_64-linux-gnu/libc.so.6'.split(
    ' ',
  );

/** `rm /etc/passwd`, `unlink /boot/vmlinuz`, `shred -u /etc/shadow`. */
export function vitalFiles({ program, args, cwd, source }: Invocation): Finding[] {
  if (!['rm', 'srm', 'unlink', 'shred'].includes(program)) return [];
  const lost = optionsOf(args).operands.find(
    (target) => isVitalFile(resolvePath(target, cwd)) || isAllOfVital(target, cwd),
  );
  if (lost === undefined) return [];
  return [
    finding(
      source,
      'delete-vital-file',
      'critical',
      `${program} deletes a file that the system needs: ${shown(lost)}`,
    ),
  ];
}

/** Directories whose files the system needs; others hold directories, or the files of users. */
const OF_VITAL_FILES = /^\/(|etc|boot|dev|(usr\/)?(bin|sbin|lib|lib32|lib64))$/;

/** `/etc/*`: all files of such a directory. */
function isAllOfVital(target: string, cwd: string): boolean {
  return target.endsWith('/*') && OF_VITAL_FILES.test(resolvePath(target, cwd));
}

function isVitalFile(path: string): boolean {
  if (VITAL_FILES.includes(path) || path.startsWith('/boot/vmlinuz')) return true;
  return isPattern(path) && VITAL_FILES.some((file) => matchesPattern(path, file));
}

const NARROWING =
  /^-(i?name|i?path|i?regex|mtime|mmin|atime|amin|ctime|cmin|newer\w*|size|user|group|empty|perm|inum)$/;

/** Whether find selects some files only, by name, age, size or owner. */
export function isNarrowed(args: readonly string[]): boolean {
  return args.some((arg, at) => NARROWING.test(arg) && args[at + 1] !== '*');
}

/** `find / -delete` and `find / -exec rm`. */
export function findDelete({ program, args, cwd, source }: Invocation): Finding[] {
  if (program !== 'find') return [];
  if (!args.includes('-delete') && !execCommands(args).some(deletes)) return [];
  const end = args.findIndex((arg) => /^[-(!]/.test(arg));
  const starts = end === 0 ? ['.'] : args.slice(0, end);
  const roots = starts.map((start) => resolvePath(start, cwd)).filter(isSystemRoot);
  const narrowed = isNarrowed(args);
  if (roots.length === 0 || (narrowed && roots.every((root) => root === '${HOME}'))) return [];
  const level = narrowed ? 'medium' : 'critical';
  return [finding(source, 'find-delete', level, `find ${ROOT_MESSAGE}, or files all over it.`)];
}

function deletes([first = '', ...rest]: readonly string[]): boolean {
  const program = baseName(first);
  if (/^(rm|shred|unlink)$/.test(program)) return true;
  const runsWords = SHELLS.has(program) || /^(sudo|env|xargs|busybox|nice|ionice)$/.test(program);
  return runsWords && rest.some((word) => /\b(rm|shred|unlink)\b/.test(word));
}

/** `mv / …`, `mv … /dev/null` and `rsync --delete … /`. */
export function replaceRoot({ program, args, cwd, source }: Invocation): Finding[] {
  const { long, operands } = optionsOf(args);
  const target = operands.at(-1);
  if (program === 'mv' && operands.slice(0, -1).some((from) => isSystemRoot(resolvePath(from, cwd)))) {
    return [
      finding(source, 'move-root', 'critical', 'mv moves a directory that the system or its users need.'),
    ];
  }
  if (program !== 'rsync' || target === undefined || !long.some((option) => option.startsWith('--delete')))
    return [];
  const path = resolvePath(target, cwd);
  if (!isSystemRoot(path) || isDryRun(program, args)) return [];
  // A mirror of a home or of a data directory is an everyday copy.
  const level = isVitalRoot(path) ? 'critical' : 'medium';
  return [finding(source, 'delete-root', level, `rsync --delete ${ROOT_MESSAGE}: ${shown(target)}`)];
}

const OPEN_MODE = /^(0?[0-7]?777|([ugo]*a[ugo]*|ugo)?[+=]rwx)$/;
/** Set-user-ID, in numbers and in letters. */
const SETUID_MODE = /^(0?[4567][0-7]{3}|[ugoa]*[+=][rwx]*s[rwxs]*)$/;

const CHANGES_RIGHTS = new Set(['chmod', 'chown', 'chgrp', 'setfacl', 'chattr']);

/** chmod and chown on system directories, with write access for all users, or of a shell that runs as root. */
export function openPermissions({ program, args, cwd, source }: Invocation): Finding[] {
  if (program === 'install') return installedShell(args, source);
  if (!CHANGES_RIGHTS.has(program)) return [];
  const { letters, long, operands } = optionsOf(args);
  const [mode = '', ...targets] = operands;
  const paths = targets.map((target) => resolvePath(target, cwd));
  const recursive = letters.includes('R') || long.includes('--recursive');
  const open = program === 'chmod' && OPEN_MODE.test(mode);
  if (recursive && paths.some((path) => isVitalRoot(path) || (open && isSystemRoot(path)))) {
    const message = `${program} changes the rights of everything below a directory that the system or its users need.`;
    return [finding(source, 'permissions-root', 'critical', message)];
  }
  return program === 'chmod' ? newMode(mode, paths, recursive, source) : [];
}

function newMode(mode: string, paths: readonly string[], recursive: boolean, source: string): Finding[] {
  if (SETUID_MODE.test(mode) && paths.some((path) => isPowerful(baseName(path))))
    return [setuidShell(source)];
  const open = OPEN_MODE.test(mode);
  if (OTHERS_WRITE.test(mode) && paths.some((path) => ACCOUNT_FILES.test(path) || (open && path === '/'))) {
    const message = 'chmod lets every user change the accounts or the root directory of the machine.';
    return [finding(source, 'permissions-open', 'critical', message)];
  }
  if (!open) return [];
  const message = 'chmod lets every user of the machine change these files.';
  return [finding(source, 'permissions-open', recursive ? 'medium' : 'low', message)];
}

function installedShell(args: readonly string[], source: string): Finding[] {
  const mode = args[args.findIndex((arg) => /^(-m|--mode)$/.test(arg)) + 1] ?? '';
  return SETUID_MODE.test(mode) && args.some((arg) => isPowerful(baseName(arg))) ? [setuidShell(source)] : [];
}

function setuidShell(source: string): Finding {
  return finding(
    source,
    'setuid-shell',
    'critical',
    'Lets every user run a program as its owner, mostly root.',
  );
}

const OTHERS_WRITE = /^(0?[0-7]{2}[2367]|[ug]*[oa][ugoa]*[+=][rx]*w[rwx]*)$/;
const ACCOUNT_FILES = /^\/etc\/(passwd|shadow|gshadow|group|sudoers)$/;

/** Programs with which a user may do everything that their owner may. */
function isPowerful(program: string): boolean {
  return SHELLS.has(program) || /^(python[\d.]*|perl|ruby|node|find|vim?|env|cp|nmap|tee|dd)$/.test(program);
}
