// What earlier versions say about a rotation: since when a variable has its value.
import { EnvFile } from '../../../secrets/env-file/env-file.ts';
import type { OpenedVersion } from '../../../secrets/envelope/envelope.ts';
import { namesOf } from '../../../secrets/use/rotation.ts';
import type { Head, Vault } from '../../../secrets/vault.ts';

/** The versions, from the newest back, in which the variable has this value without a break. */
async function* versionsWith(
  vault: Vault,
  { versions }: Head,
  name: string,
  value: string,
): AsyncGenerator<OpenedVersion> {
  const has = ({ text }: OpenedVersion) => new EnvFile(text).values.get(name) === value;
  for (const head of versions)
    for await (const version of vault.lineOf(head, has)) if (has(version)) yield version;
}

/** Whether the variable has had the value since the instant, in milliseconds. */
export async function hasSince(
  vault: Vault,
  head: Head,
  { key, value, instant }: { key: string; value: string; instant: number },
): Promise<boolean> {
  for await (const { createdAt } of versionsWith(vault, head, key, value))
    if (Date.parse(createdAt) <= instant) return true;
  return false;
}

/** What the variable had when this new value was stored beside it. */
export async function valueBefore(vault: Vault, head: Head, key: string, next: string): Promise<string> {
  let first: OpenedVersion | undefined;
  for await (const version of versionsWith(vault, head, namesOf(key).next, next)) first = version;
  return new EnvFile(first?.text ?? '').values.get(key) ?? '';
}
