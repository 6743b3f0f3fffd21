// Armored age files: encrypts for recipients, and decrypts with identities. Loads age-encryption.
import {
  armor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { LshError } from '../../core/errors.ts';
import { nativeIdentity, nativeRecipient, nativeRecipientOf } from './hybrid.ts';

/** Throws RECIPIENT_INVALID. */
export async function encryptFile(plaintext: string, recipients: readonly string[]): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) addRecipient(encrypter, recipient);
  return armor.encode(await bytesOf(await encrypter.encrypt(streamOf(Buffer.from(plaintext)))));
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(nativeRecipient(recipient));
  } catch (error) {
    const detail = /^AGE-SECRET-KEY/i.test(recipient) ? 'it is a secret key' : (error as Error).message;
    const shown = /^AGE-SECRET-KEY/i.test(recipient) ? '(a secret key)' : recipient;
    throw new LshError('RECIPIENT_INVALID', { recipient: shown, detail });
  }
}

/** Throws RECIPIENT_INVALID. */
export function requireRecipient(recipient: string): void {
  addRecipient(new Encrypter(), recipient);
}

/** Throws SECRETS_KEY_INVALID; for a file that does not open, or has armor in another form, an error that says why. */
export async function decryptFile(text: string, identities: readonly string[]): Promise<Buffer> {
  const decrypter = new Decrypter();
  for (const identity of identities) addIdentity(decrypter, identity);
  const file = armor.decode(text);
  // Armor may have other white space around the same bytes; a version has one text, so that its hash has one, too.
  if (armor.encode(file) !== text) throw new Error('the armor has another form');
  return bytesOf(await decrypter.decrypt(streamOf(file)));
}

function addIdentity(decrypter: Decrypter, identity: string): void {
  try {
    decrypter.addIdentity(nativeIdentity(identity));
  } catch {
    throw keyInvalid();
  }
}

/** Has no cause: messages of the packages hold the key. */
function keyInvalid(): LshError {
  return new LshError('SECRETS_KEY_INVALID', { place: 'The file of keys, or LSH_SECRETS_KEY,' });
}

/** From bytes, age-encryption would make a Response, which takes as long to load as all else. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

export interface KeyPair {
  /** `AGE-SECRET-KEY-…` */
  identity: string;
  /** `age1…` */
  recipient: string;
}

/** A new key: post-quantum (ML-KEM-768 with X25519), or X25519 alone, which age before 1.3 needs. */
export async function generateKey(kind: 'hybrid' | 'classic'): Promise<KeyPair> {
  const identity = await (kind === 'hybrid' ? generateHybridIdentity() : generateX25519Identity());
  return { identity, recipient: await recipientOf(identity) };
}

/** The recipient of the identity. Throws SECRETS_KEY_INVALID. */
export async function recipientOf(identity: string): Promise<string> {
  try {
    return nativeRecipientOf(identity) ?? (await identityToRecipient(identity));
  } catch {
    throw keyInvalid();
  }
}
