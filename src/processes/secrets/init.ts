// `lsh init`: the settings of the project, the key of the user, and .gitignore.
import { dirname, join } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { projectOf, SETTINGS_FILE, type ProjectSettings } from '../../secrets/local/project.ts';
import { identitiesOf } from '../../secrets/local/keys.ts';
import { ignoreEnvFiles } from './guard/ignore.ts';
import { makeKey, ownRecipient } from './keys.ts';
import { openProject } from './project-secrets.ts';

export interface Initialized {
  project: string;
  place: string;
  inRepo: boolean;
  keyFile: string;
  isNewKey: boolean;
  recipient: string;
  /** Files that were made or changed. */
  written: string[];
}

export interface InitOptions {
  inRepo?: boolean | undefined;
  project?: string | undefined;
  /** Duration by environment, as `90d`. */
  rotation?: Record<string, string> | undefined;
}

/** Makes what is missing; a second call changes nothing. */
export async function initProject(
  directory: string,
  { inRepo, project, rotation }: InitOptions,
  now: () => number,
): Promise<Initialized> {
  const { settings, settingsDirectory, isGit, root } = projectOf(directory);
  const wanted: ProjectSettings = {
    ...settings,
    ...(project !== undefined && { project }),
    ...(inRepo && { secrets: 'in-repo' }),
    ...(rotation && { rotation: { ...settings.rotation, ...rotation } }),
  };
  const written: string[] = [];
  if (JSON.stringify(wanted) !== JSON.stringify(settings)) {
    const path = join(settingsDirectory, SETTINGS_FILE);
    mkdirSync(dirname(path), { recursive: true });
    // Public, as .gitignore is: the file holds no secret.
    writeFileSync(path, `${JSON.stringify(wanted, null, 2)}\n`);
    written.push(path);
  }
  const ignored = isGit ? ignoreEnvFiles(root) : undefined;
  if (ignored !== undefined) written.push(ignored);
  const secrets = openProject(directory, now);
  const isNewKey = identitiesOf(secrets.keys).length === 0;
  if (isNewKey) await makeKey(secrets.keys, 'hybrid', now());
  return {
    project: secrets.project.id,
    place: secrets.store.place,
    inRepo: wanted.secrets === 'in-repo',
    keyFile: secrets.keys.key === undefined ? secrets.keys.file : 'LSH_SECRETS_KEY',
    isNewKey,
    recipient: await ownRecipient(secrets.keys),
    written,
  };
}
