// Which project a directory belongs to: the owner and name of its git remote, so that every clone and worktree is the same
// project. Reads git's files; runs nothing.
import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import * as v from 'valibot';
import { parseDuration } from '../../core/duration.ts';
import { LshError } from '../../core/errors.ts';
import { readText } from './private-file.ts';

/** A file of the project that lsh reads, relative to the directory of the env file or a parent of it. */
export const SETTINGS_FILE = join('.lsh', 'project.json');

const SettingsSchema = v.strictObject({
  project: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  secrets: v.optional(v.picklist(['user', 'in-repo'])),
  /** How old the newest version of an environment may be, such as `90d`; `lsh doctor` says when it is older. */
  rotation: v.optional(
    v.record(
      v.string(),
      v.pipe(
        v.string(),
        v.check((text) => parseDuration(text) !== undefined, 'rotation needs durations such as 90d'),
      ),
    ),
  ),
});
export type ProjectSettings = v.InferOutput<typeof SettingsSchema>;

export interface Project {
  /** `github.com/acme/app`, with the path of a sub-project; `local/app-1a2b3c4d` without a remote. */
  id: string;
  /** Directory of the env files: where the command runs. */
  directory: string;
  /** Root of the git work tree, or the directory. */
  root: string;
  isGit: boolean;
  settings: ProjectSettings;
  /** Directory that holds SETTINGS_FILE, or the root. */
  settingsDirectory: string;
}

/** The project of the directory. `named` is LSH_PROJECT. Throws PROJECT_SETTINGS_INVALID. */
export function projectOf(directory: string, named?: string): Project {
  const here = realpathSync(directory);
  const root = ancestorWith(here, '.git');
  const settingsDirectory = ancestorWith(here, SETTINGS_FILE, root) ?? root ?? here;
  const settings = settingsIn(settingsDirectory);
  const base = {
    directory: here,
    root: root ?? here,
    isGit: root !== undefined,
    settings,
    settingsDirectory,
  };
  return { ...base, id: named ?? settings.project ?? idOf(here, root) };
}

function idOf(here: string, root: string | undefined): string {
  if (root === undefined) return localId(here);
  const common = commonGitDirectory(root);
  const remote = common && remoteIn(readText(join(common, 'config')) ?? '');
  const id = remote ?? localId(common ? dirname(common) : root);
  const below = relative(root, here);
  return below === '' ? id : `${id}/${below}`;
}

/** A path has no meaning elsewhere, so the store of a team needs a remote, LSH_PROJECT or `lsh init --project`. */
function localId(directory: string): string {
  const digits = createHash('sha256').update(directory).digest('hex').slice(0, 8);
  return `local/${basename(directory) || 'root'}-${digits}`;
}

function ancestorWith(directory: string, name: string, last?: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return at;
    if (at === last || dirname(at) === at) return undefined;
  }
}

/** The `.git` directory that all worktrees share. */
function commonGitDirectory(root: string): string | undefined {
  const git = join(root, '.git');
  if (statSync(git).isDirectory()) return git;
  // Of a worktree or a submodule, `.git` is a file: gitdir: PATH.
  const path = /^gitdir: (.+)$/m.exec(readText(git) ?? '')?.[1]?.trim();
  if (path === undefined) return undefined;
  const directory = resolve(root, path);
  const common = readText(join(directory, 'commondir'))?.trim();
  return common === undefined ? directory : resolve(directory, common);
}

/** `host/owner/name` of origin, or of the only remote. */
function remoteIn(config: string): string | undefined {
  const remotes = new Map<string, string>();
  let section = '';
  for (const line of config.split('\n')) {
    const heading = /^\s*\[remote "((?:[^"\\]|\\.)*)"\]/.exec(line);
    if (/^\s*\[/.test(line)) section = heading?.[1] ?? '';
    const url = /^\s*(?:\[.*\]\s*)?url\s*=\s*(.+?)\s*$/i.exec(line)?.[1];
    if (section !== '' && url !== undefined && !remotes.has(section)) remotes.set(section, url);
  }
  const url = remotes.get('origin') ?? (remotes.size === 1 ? [...remotes.values()][0] : undefined);
  return url === undefined ? undefined : ofRemote(url.replaceAll(/^"|"$/g, ''));
}

/** The same for https, ssh and scp-like addresses; without user, password, port and `.git`. Undefined for a path. */
export function ofRemote(url: string): string | undefined {
  const scp = /^(?:[^@/]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(url);
  const parsed = scp ? undefined : URL.parse(url);
  const host = scp?.[1] ?? parsed?.hostname;
  const path = scp?.[2] ?? parsed?.pathname;
  const name = path?.replaceAll(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  if (!host || !name || isAbsolute(url)) return undefined;
  return `${host}/${name}`.toLowerCase();
}

function settingsIn(directory: string): ProjectSettings {
  const path = join(directory, SETTINGS_FILE);
  const text = readText(path);
  if (text === undefined) return {};
  const { success, output, issues } = v.safeParse(v.pipe(v.string(), v.parseJson(), SettingsSchema), text);
  if (success) return output;
  throw new LshError('PROJECT_SETTINGS_INVALID', { path, detail: issues[0].message });
}
