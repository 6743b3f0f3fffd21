// Questions about an environment: its variables, versions, audit and recipients.
import type { AuditEntry, VersionEntry } from '../../contracts/secret-store.ts';
import { LshError } from '../../core/errors.ts';
import { EnvFile } from '../../secrets/env-file/env-file.ts';
import type { NamedRecipient } from '../../secrets/envelope/content.ts';
import type { ProjectSecrets } from './project-secrets.ts';
import { requireHead } from './pull.ts';

/** The newest version, or an older one, with its variables. */
export async function fileOf(
  secrets: ProjectSecrets,
  environment: string,
  version?: number,
): Promise<EnvFile> {
  const vault = secrets.vault(environment);
  const head = await requireHead(vault);
  return version === undefined ? head.file : new EnvFile((await vault.version(version)).text);
}

/** Throws SECRETS_KEY_NOT_FOUND. */
export async function valueOf(
  secrets: ProjectSecrets,
  environment: string,
  key: string,
  version?: number,
): Promise<string> {
  const value = (await fileOf(secrets, environment, version)).values.get(key);
  if (value === undefined) throw new LshError('SECRETS_KEY_NOT_FOUND', { environment, key });
  return value;
}

export async function environmentsOf({ store, project }: ProjectSecrets): Promise<string[]> {
  return store.environments(project.id);
}

/** Opens nothing: needs no key. */
export async function historyOf(
  { store, project }: ProjectSecrets,
  environment: string,
): Promise<VersionEntry[]> {
  const ref = { project: project.id, environment };
  const versions = await store.history(ref);
  if (versions.length === 0) throw new LshError('SECRETS_ENVIRONMENT_EMPTY', ref);
  return versions;
}

export async function auditOf(
  secrets: ProjectSecrets,
  environment: string,
  limit: number,
): Promise<AuditEntry[]> {
  return secrets.store.audit(secrets.ref(environment), limit);
}

export async function recipientsOf(
  secrets: ProjectSecrets,
  environment: string,
): Promise<readonly NamedRecipient[]> {
  return (await requireHead(secrets.vault(environment))).recipients;
}
