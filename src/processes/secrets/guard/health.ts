// What `lsh doctor` reports about the secrets of a project: what is due, half done, or open to more people than use it.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseDuration } from '../../../core/duration.ts';
import { toLshError, type LshError } from '../../../core/errors.ts';
import type { NamedRecipient } from '../../../secrets/envelope/content.ts';
import { rotationsIn, type Rotation } from '../../../secrets/use/rotation.ts';
import { ownRecipients } from '../keys.ts';
import { auditOf, environmentsOf, historyOf } from '../look.ts';
import type { ProjectSecrets } from '../project-secrets.ts';
import { requireHead } from '../pull.ts';
import { leakOf } from './ignore.ts';

export interface EnvironmentHealth {
  environment: string;
  /** The newest. */
  version: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** How old the newest version may be, as the project’s settings say, in milliseconds. */
  maxAgeMs: number | undefined;
  /** What this machine cannot tell without opening the version; or why it does not open. */
  opened: OpenedHealth | LshError;
}

interface OpenedHealth {
  recipients: number;
  /** Names of recipients of whom the store has no record: no version, no pull. */
  unseen: string[];
  rotations: FoundRotation[];
}

/** A rotation that is not over; in place of an unclear one, its error. */
export interface FoundRotation {
  key: string;
  rotation: Rotation | LshError;
}

/** Entries of the audit that are searched for a recipient. */
const AUDIT_LIMIT = 1000;

export async function healthOf(secrets: ProjectSecrets): Promise<EnvironmentHealth[]> {
  return Promise.all(
    (await environmentsOf(secrets)).map((environment) => environmentHealth(secrets, environment)),
  );
}

async function environmentHealth(secrets: ProjectSecrets, environment: string): Promise<EnvironmentHealth> {
  const { version, createdAt } = (await historyOf(secrets, environment))[0]!;
  const maxAge = secrets.project.settings.rotation?.[environment];
  const opened = await openedHealth(secrets, environment).catch(toLshError);
  return {
    environment,
    version,
    createdAt,
    maxAgeMs: maxAge === undefined ? undefined : parseDuration(maxAge),
    opened,
  };
}

async function openedHealth(secrets: ProjectSecrets, environment: string): Promise<OpenedHealth> {
  const { file, recipients } = await requireHead(secrets.vault(environment));
  const unseen = await unseenOf(secrets, environment, recipients);
  return { recipients: recipients.length, unseen, rotations: rotationsIn(file, environment) };
}

/**
 * An entry of the audit names USER@HOST, a recipient has any name: both match if the name is one of the two, or all of it.
 * In a repository, pulls are recorded on the machine of each teammate alone, so nothing is known there.
 */
async function unseenOf(
  secrets: ProjectSecrets,
  environment: string,
  recipients: readonly NamedRecipient[],
): Promise<string[]> {
  if (secrets.project.settings.secrets === 'in-repo') return [];
  const own = await ownRecipients(secrets.keys);
  const actors = (await auditOf(secrets, environment, AUDIT_LIMIT)).map(({ actor }) => actor);
  const seen = new Set(actors.flatMap((actor) => [actor, ...actor.split('@')]));
  return recipients
    .filter(({ name, recipient }) => !own.includes(recipient) && !seen.has(name))
    .map(({ name }) => name);
}

/** Env files of the directory that git tracks or would add. */
export function leaksIn(directory: string): { path: string; leak: 'tracks' | 'does not ignore' }[] {
  const names = readdirSync(directory).filter(
    (name) => /^\.env(?:\.|$)/.test(name) && !/\.(?:example|sample|template)$/.test(name),
  );
  return names.flatMap((name) => {
    const path = join(directory, name);
    const leak = leakOf(path);
    return leak === undefined ? [] : [{ path, leak }];
  });
}
