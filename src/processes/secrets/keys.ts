// The keys of this user, for the command line.
import { generateKey, recipientOf, type KeyPair } from '../../secrets/envelope/age-file.ts';
import { addIdentity, identitiesOf, type KeySettings } from '../../secrets/local/keys.ts';
import { LshError } from '../../core/errors.ts';

/** Makes a key and adds it to the file. Older keys stay: they open older versions. */
export async function makeKey(keys: KeySettings, kind: 'hybrid' | 'classic', now: number): Promise<KeyPair> {
  const pair = await generateKey(kind);
  addIdentity(keys, pair, now);
  return pair;
}

/** The recipients of this user, the newest last. */
export async function ownRecipients(keys: KeySettings): Promise<string[]> {
  return Promise.all(identitiesOf(keys).map(recipientOf));
}

/** The recipient of the newest key. Throws SECRETS_KEY_MISSING. */
export async function ownRecipient(keys: KeySettings): Promise<string> {
  const newest = identitiesOf(keys).at(-1);
  if (newest === undefined) throw new LshError('SECRETS_KEY_MISSING');
  return recipientOf(newest);
}
