// The secrets of the project in a directory: its store, the keys of this user, and what this machine has seen.
import { createHash } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { readdirSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { loadConfig, type Config } from '../../config.ts';
import type { EnvironmentRef, SecretStore } from '../../contracts/secret-store.ts';
import { LshError } from '../../core/errors.ts';
import { ensurePrivateFile, localPaths } from '../../local/paths.ts';
import { identitiesOf, type KeySettings } from '../../secrets/local/keys.ts';
import { createFile, ensurePrivateDirectory } from '../../secrets/local/private-file.ts';
import { projectOf, type Project } from '../../secrets/local/project.ts';
import { SeenFile } from '../../secrets/local/seen.ts';
import { Vault } from '../../secrets/vault.ts';
import { acquireFileLock, type FileLock } from '../../stores/file-lock.ts';
import { SecretFiles } from '../../stores/secret-files/secret-files.ts';
import { SupabaseSecrets } from '../../stores/supabase/supabase-secrets.ts';
import { VERSION } from '../../version.ts';
import { acquireLocks } from '../locks.ts';
import { projectForReading } from '../supabase/credentials.ts';

/** A writer holds the lock for milliseconds. */
const LOCK_WAIT_MS = 30_000;

export interface ProjectSecrets {
  project: Project;
  store: SecretStore;
  keys: KeySettings;
  /** USER@HOST. */
  author: string;
  /** Throws SECRETS_ENVIRONMENT_INVALID. */
  ref: (environment: string) => EnvironmentRef;
  vault: (environment: string, identities?: readonly string[]) => Vault;
  seen: (environment: string) => SeenFile;
  /** Keeps other processes of this user from rotating variables of the environment. Throws ROTATION_BUSY. */
  lockRotation: (environment: string) => FileLock;
}

/** Touches no file of the store. Throws HOME_MISSING, PROJECT_SETTINGS_INVALID. */
export function openProject(directory: string, now: () => number = Date.now): ProjectSecrets {
  const config = loadConfig();
  const project = projectOf(directory, config.project);
  const state = join(localPaths(config).stateDir, 'secrets');
  const keys = { file: keysFile(config), key: config.secretsKey };
  const isInRepo = project.settings.secrets === 'in-repo';
  const store = storeOf(config, project, state, isInRepo);
  const author = `${userName(config)}@${hostname()}`;
  const origin = config.originName ?? hostname();
  const ref = (environment: string) => ({ project: project.id, environment: validEnvironment(environment) });
  const statePath = (environment: string) => join(state, pathOf(project.id), validEnvironment(environment));
  const seen = (environment: string) => {
    const path = statePath(environment);
    return new SeenFile(`${path}.json`, () => lockFile(`${path}.lock`));
  };
  return {
    project,
    store,
    keys,
    author,
    ref,
    seen,
    lockRotation: (environment) => {
      const path = `${statePath(environment)}.rotation.lock`;
      ensurePrivateDirectory(dirname(path));
      return acquireLocks([path], () => new LshError('ROTATION_BUSY', { environment }))[0]!;
    },
    vault: (environment, identities = identitiesOf(keys)) => {
      const newestSeen = isInRepo ? undefined : seen(environment).read().newest;
      return new Vault({ store, ref: ref(environment), identities, newestSeen, author, origin, now });
    },
  };
}

/** A project in the configuration is the store, or an error says why not: nothing takes its place silently. */
function isOfTeam({ secretsStore, supabaseUrl }: Config, isInRepo: boolean): boolean {
  return secretsStore === undefined ? supabaseUrl !== undefined && !isInRepo : secretsStore === 'supabase';
}

function storeOf(config: Config, project: Project, state: string, isInRepo: boolean): SecretStore {
  if (isOfTeam(config, isInRepo)) return new SupabaseSecrets({ ...projectForReading(config), lsh: VERSION });
  const user = join(dataDirectory(config), 'secrets');
  const inRepo = join(project.settingsDirectory, '.lsh', 'secrets');
  const versionsOf = (id: string) => (isInRepo ? inRepo : join(user, pathOf(id)));
  return new SecretFiles({
    place: versionsOf(project.id),
    versions: (ref) => join(versionsOf(ref.project), ref.environment),
    log: (ref) => join(user, pathOf(ref.project), `${ref.environment}.audit`),
    environments: (id) => directoriesIn(versionsOf(id)),
    ensureDirectory: ensurePrivateDirectory,
    lock: (ref) =>
      lockFile(
        isInRepo ? lockPath(state, inRepo, ref) : `${join(versionsOf(ref.project), ref.environment)}.lock`,
      ),
    write: createFile,
  });
}

/** Of a project's folder, every user has locks of their own: git keeps the versions of different users apart. */
function lockPath(state: string, directory: string, { environment }: EnvironmentRef): string {
  const digits = createHash('sha256').update(join(directory, environment)).digest('hex').slice(0, 16);
  return join(state, `${digits}.lock`);
}

function lockFile(path: string): FileLock {
  ensurePrivateDirectory(resolve(path, '..'));
  ensurePrivateFile(path);
  const lock = acquireFileLock(path, LOCK_WAIT_MS);
  if (lock === undefined) throw new LshError('SECRETS_BUSY', { path });
  return lock;
}

/** A project as the name of a directory: `github.com+acme+app`. */
function pathOf(project: string): string {
  const name = encodeURIComponent(project).replaceAll('%2F', '+').replace(/^\./, '%2E');
  return name.length <= 200
    ? name
    : `${name.slice(0, 180)}-${createHash('sha256').update(project).digest('hex').slice(0, 16)}`;
}

/** Throws SECRETS_ENVIRONMENT_INVALID. */
function validEnvironment(environment: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(environment)) return environment;
  throw new LshError('SECRETS_ENVIRONMENT_INVALID', { environment });
}

function keysFile({ xdgConfigHome, home }: Config): string {
  if (xdgConfigHome) return join(xdgConfigHome, 'lsh', 'keys');
  return join(requireHome(home), '.config', 'lsh', 'keys');
}

function dataDirectory({ xdgDataHome, home }: Config): string {
  if (xdgDataHome) return join(xdgDataHome, 'lsh');
  return join(requireHome(home), '.local', 'share', 'lsh');
}

function requireHome(home: string | undefined): string {
  if (home === undefined || !isAbsolute(home)) throw new LshError('HOME_MISSING');
  return home;
}

function userName({ user, logname }: Config): string {
  if (user ?? logname) return (user ?? logname)!;
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as in a container.
    return String(process.getuid?.() ?? 'unknown');
  }
}

function directoriesIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}
