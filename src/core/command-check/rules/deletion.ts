// Deletion of directories that the system or its users need: rm, find -delete, rsync --delete, mv, recursive chmod and chown.
import { finding, optionsOf, type Finding, type Invocation } from '../invocation.ts';
import { ifVariablesWereEmpty, isSystemRoot, resolvePath } from '../paths.ts';

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
  return operands.slice(0, 256).flatMap((target) => deletedTarget(target, cwd, source, program));
}

/** Whether only the shell knows the name. */
function isUnknown(program: string): boolean {
  return /\$[{(]/.test(program);
}

function deletedTarget(target: string, cwd: string, source: string, program: string): Finding[] {
  const shown = target.length > 60 ? `${target.slice(0, 60)}…` : target;
  if (isSystemRoot(resolvePath(target, cwd))) {
    return [finding(source, 'delete-root', 'critical', `${program} ${ROOT_MESSAGE}: ${shown}`)];
  }
  const emptied = ifVariablesWereEmpty(target);
  if (emptied === undefined || !isSystemRoot(resolvePath(emptied, cwd))) return [];
  const message = `If a variable in ${shown} is empty, this ${ROOT_MESSAGE}; write \${NAME:?} to stop instead.`;
  return [finding(source, 'delete-unset-variable', 'medium', message)];
}

const NARROWING =
  /^-(i?name|i?path|i?regex|mtime|mmin|atime|amin|ctime|cmin|newer\w*|size|user|group|empty|perm|inum)$/;

/** `find / -delete` and `find / -exec rm`. */
export function findDelete({ program, args, cwd, source }: Invocation): Finding[] {
  if (program !== 'find') return [];
  const deletes =
    args.includes('-delete') ||
    args.some((arg, at) => /^-(exec|ok)(dir)?$/.test(arg) && isDeleter(args[at + 1]));
  if (!deletes) return [];
  const end = args.findIndex((arg) => /^[-(!]/.test(arg));
  const starts = end === 0 ? ['.'] : args.slice(0, end);
  const roots = starts.map((start) => resolvePath(start, cwd)).filter(isSystemRoot);
  const narrowed = args.some((arg, at) => NARROWING.test(arg) && args[at + 1] !== '*');
  if (roots.length === 0 || (narrowed && roots.every((root) => root === '${HOME}'))) return [];
  const level = narrowed ? 'medium' : 'critical';
  return [finding(source, 'find-delete', level, `find ${ROOT_MESSAGE}, or files all over it.`)];
}

function isDeleter(program: string | undefined): boolean {
  return program !== undefined && /(^|\/)(rm|shred|unlink)$/.test(program);
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
  if (!isSystemRoot(resolvePath(target, cwd))) return [];
  return [finding(source, 'delete-root', 'critical', `rsync --delete ${ROOT_MESSAGE}: ${target}`)];
}

/** chmod and chown on system directories, or with write access for all users. */
export function openPermissions({ program, args, cwd, source }: Invocation): Finding[] {
  if (!['chmod', 'chown', 'chgrp'].includes(program)) return [];
  const { letters, long, operands } = optionsOf(args);
  const recursive = letters.includes('R') || long.includes('--recursive');
  if (recursive && operands.slice(1).some((target) => isSystemRoot(resolvePath(target, cwd)))) {
    const message = `${program} changes the rights of everything below a directory that the system or its users need.`;
    return [finding(source, 'permissions-root', 'critical', message)];
  }
  if (program !== 'chmod' || !/^(0?[0-7]?777|([ugo]*a[ugo]*|ugo)?[+=]rwx)$/.test(operands[0] ?? ''))
    return [];
  const message = 'chmod lets every user of the machine change these files.';
  return [finding(source, 'permissions-open', recursive ? 'medium' : 'low', message)];
}
