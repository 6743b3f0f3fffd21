// Changes of an environment in the store itself: set, unset, rollback, and who can open it.
import { LshError } from '../../core/errors.ts';
import type { AuditAction, KeyChange } from '../../contracts/secret-store.ts';
import { EnvFile } from '../../secrets/env-file/env-file.ts';
import type { NamedRecipient } from '../../secrets/envelope/content.ts';
import { requireRecipient } from '../../secrets/envelope/age-file.ts';
import type { OpenedVersion } from '../../secrets/envelope/envelope.ts';
import { summaryOf } from '../../secrets/use/push.ts';
import type { Head, Vault } from '../../secrets/vault.ts';
import { makeKey, ownRecipient, ownRecipients } from './keys.ts';
import type { ProjectSecrets } from './project-secrets.ts';
import { difference, RACES_MAX } from './push.ts';

export interface Changed {
  project: string;
  environment: string;
  version: number;
  changes: KeyChange[];
  recipients: readonly NamedRecipient[];
}

/** What a change makes of the newest state; undefined for none. */
interface Next {
  file?: EnvFile;
  recipients?: readonly NamedRecipient[];
  detail?: string;
}

/** Applies the change to the newest state, again if another writer was faster. */
export async function change(
  secrets: ProjectSecrets,
  environment: string,
  action: AuditAction,
  next: (head: Head | undefined, vault: Vault) => Next | Promise<Next>,
): Promise<Changed> {
  const vault = secrets.vault(environment);
  for (let race = 0; race < RACES_MAX; race += 1) {
    const head = await vault.head();
    const changed = await append(secrets, vault, head, { action, ...(await next(head, vault)) });
    if (changed !== undefined) return changed;
  }
  throw new LshError('SECRETS_RACE', { environment, times: RACES_MAX });
}

/** Undefined if another writer was faster. */
async function append(
  secrets: ProjectSecrets,
  vault: Vault,
  head: Head | undefined,
  next: Next & { action: AuditAction },
): Promise<Changed | undefined> {
  const before = head ?? { versions: [], file: new EnvFile(''), recipients: await ownAsRecipients(secrets) };
  const { file = before.file, recipients = before.recipients, action } = next;
  const changes = difference(before.file, file);
  const answer = { project: secrets.project.id, environment: vault.ref.environment, changes, recipients };
  const [newest, ...others] = before.versions;
  const isSame = file.text === before.file.text && recipients === before.recipients;
  if (newest && others.length === 0 && isSame) return { ...answer, version: newest.version };
  const entry = { action, detail: next.detail ?? summaryOf(changes) };
  const stored = await vault.append({ parents: before.versions, text: file.text, recipients, ...entry });
  if (stored === undefined) return undefined;
  keepFilesInStep(secrets, vault.ref.environment, before.versions, stored);
  return { ...answer, version: stored.version };
}

async function ownAsRecipients({ author, keys }: ProjectSecrets): Promise<NamedRecipient[]> {
  return [{ name: author, recipient: await ownRecipient(keys) }];
}

/** A change of the store leaves every file behind: the next push of a file says what it lacks. */
function keepFilesInStep(
  secrets: ProjectSecrets,
  environment: string,
  parents: readonly OpenedVersion[],
  { version, hash, text }: OpenedVersion,
): void {
  const seen = secrets.seen(environment);
  seen.remember({ version, hash });
  // Where the text is the same, as after a change of recipients, a file in step with the old version is so with the new.
  if (parents.length !== 1 || parents[0]!.text !== text) return;
  for (const [path, heads] of Object.entries(seen.read().files))
    if (heads.join() === parents[0]!.hash) seen.remember({ version, hash }, { path, heads: [hash] });
}

/** Sets variables. The first one of an environment makes it, and a key if there is none. */
export async function setVariables(
  secrets: ProjectSecrets,
  environment: string,
  values: ReadonlyMap<string, string>,
): Promise<Changed> {
  return change(secrets, environment, 'set', (head) => {
    let file = head?.file ?? new EnvFile('');
    for (const [key, value] of values) file = file.with(key, value);
    return { file };
  });
}

/** Throws SECRETS_KEY_NOT_FOUND. */
export async function unsetVariables(
  secrets: ProjectSecrets,
  environment: string,
  keys: readonly string[],
): Promise<Changed> {
  return change(secrets, environment, 'unset', (head) => {
    let file = head?.file ?? new EnvFile('');
    for (const key of keys) {
      if (!file.values.has(key)) throw new LshError('SECRETS_KEY_NOT_FOUND', { environment, key });
      file = file.without(key);
    }
    return { file };
  });
}

/** Stores the content of an older version as the newest. Its recipients stay those of today. */
export async function rollback(
  secrets: ProjectSecrets,
  environment: string,
  version: number,
): Promise<Changed> {
  return change(secrets, environment, 'rollback', async (_, vault) => ({
    file: new EnvFile((await vault.version(version)).text),
    detail: `to version ${version}`,
  }));
}

/** Throws RECIPIENT_INVALID, RECIPIENT_EXISTS. */
export async function addRecipient(
  secrets: ProjectSecrets,
  environment: string,
  added: NamedRecipient,
): Promise<Changed> {
  requireRecipient(added.recipient);
  return change(secrets, environment, 'rekey', async (head) => {
    const recipients = head?.recipients ?? (await ownAsRecipients(secrets));
    const same = recipients.find(
      ({ name, recipient }) => name === added.name || recipient === added.recipient,
    );
    if (same) throw new LshError('RECIPIENT_EXISTS', { environment, name: same.name });
    return { recipients: [...recipients, added], detail: '1 recipient added' };
  });
}

/** Seals a new version without the recipient, who still opens the versions before. Throws RECIPIENT_UNKNOWN, RECIPIENT_LAST. */
export async function removeRecipient(
  secrets: ProjectSecrets,
  environment: string,
  name: string,
): Promise<Changed> {
  const own = await ownRecipients(secrets.keys);
  return change(secrets, environment, 'rekey', (head) => {
    const before = head?.recipients ?? [];
    const recipients = before.filter((each) => each.name !== name && each.recipient !== name);
    if (recipients.length === before.length) throw new LshError('RECIPIENT_UNKNOWN', { environment, name });
    if (!recipients.some(({ recipient }) => own.includes(recipient)))
      throw new LshError('RECIPIENT_LAST', { environment });
    return { recipients, detail: '1 recipient removed' };
  });
}

/** Makes a new key of this user and seals a new version for it, in place of the user’s older ones. */
export async function rekey(
  secrets: ProjectSecrets,
  environment: string,
  now: () => number,
): Promise<Changed> {
  const old = await ownRecipients(secrets.keys);
  const { recipient } = await makeKey(secrets.keys, 'hybrid', now());
  return change(secrets, environment, 'rekey', (head) => {
    const before = head?.recipients ?? [];
    const mine = before.find((each) => old.includes(each.recipient));
    const others = before.filter((each) => !old.includes(each.recipient));
    return {
      recipients: [...others, { name: mine?.name ?? secrets.author, recipient }],
      detail: 'a new key',
    };
  });
}
