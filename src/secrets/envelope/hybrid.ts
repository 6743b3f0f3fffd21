// Hybrid keys of age, ML-KEM-768 with X25519, on the cryptography of Node. age-encryption computes the same in JavaScript,
// which takes longer than the rest of a command; it does so where Node has no ML-KEM, before release 24.
import * as crypto from 'node:crypto';
import { base64nopad, bech32 } from '@scure/base';
import { Stanza, type Identity, type Recipient } from 'age-encryption';

const RECIPIENT = 'age1pq1';
const IDENTITY = 'AGE-SECRET-KEY-PQ-1';
const STANZA = 'mlkem768x25519';
/** Bytes of a public key, of a ciphertext and of a seed of ML-KEM-768. X25519 has 32 of each. */
const KEM = { public: 1184, ciphertext: 1088, seed: 64 };
const SEALED_FILE_KEY_BYTES = 32;
const INFO = 'age-encryption.org/mlkem768x25519';
/** HPKE with MLKEM768-X25519, HKDF-SHA256 and ChaCha20-Poly1305. */
const SUITE = Buffer.from('HPKE-v1HPKE\x64\x7a\x00\x01\x00\x03', 'latin1');

/** The recipient for age-encryption: on Node's cryptography if it is hybrid and Node has ML-KEM. Throws for a wrong one. */
export function nativeRecipient(text: string): Recipient | string {
  if (!text.startsWith(RECIPIENT) || !isNative()) return text;
  const publicKey = decoded(text, KEM.public + 32, 'invalid recipient');
  return { wrapFileKey: (fileKey) => [wrap(fileKey, publicKey)] };
}

/** The identity for age-encryption, likewise. */
export function nativeIdentity(text: string): Identity | string {
  if (!text.startsWith(IDENTITY) || !isNative()) return text;
  const seed = decoded(text, 32, 'invalid identity');
  return { unwrapFileKey: (stanzas) => unwrap(stanzas, seed) };
}

/** The recipient of the identity; undefined if that is not hybrid, or Node has no ML-KEM. */
export function nativeRecipientOf(identity: string): string | undefined {
  if (!identity.startsWith(IDENTITY) || !isNative()) return undefined;
  const { kem, dh } = privateKeys(decoded(identity, 32, 'invalid identity'));
  const publicKey = Buffer.concat([publicBytes(kem), publicBytes(dh)]);
  return bech32.encode(RECIPIENT.slice(0, -1), bech32.toWords(publicKey), false);
}

let isKnownNative: boolean | undefined;

function isNative(): boolean {
  return (isKnownNative ??= takesSeeds());
}

/** OpenSSL has ML-KEM from 3.5 on; Node reads raw keys since one of its releases 24. */
function takesSeeds(): boolean {
  try {
    kemPrivateKey(Buffer.alloc(KEM.seed));
    return true;
  } catch {
    return false;
  }
}

/** The messages of errors do not hold the text: it may be a secret. */
function decoded(text: string, bytes: number, message: string): Buffer {
  const found = bech32.decodeUnsafe(text, false);
  const content = found && bech32.fromWordsUnsafe(found.words);
  if (content?.length !== bytes) throw new Error(message);
  return Buffer.from(content);
}

function wrap(fileKey: Uint8Array, publicKey: Buffer): Stanza {
  const peer = publicKey.subarray(KEM.public);
  const { sharedKey, ciphertext } = crypto.encapsulate({
    key: publicKey.subarray(0, KEM.public),
    format: 'raw-public',
    asymmetricKeyType: 'ml-kem-768',
  });
  const ephemeral = crypto.generateKeyPairSync('x25519').privateKey;
  const share = publicBytes(ephemeral);
  const { key, nonce } = contextOf(combined(sharedKey, agreed(ephemeral, peer), share, peer));
  const cipher = crypto.createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  const sealed = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
  return new Stanza([STANZA, base64nopad.encode(Buffer.concat([ciphertext, share]))], sealed);
}

function unwrap(stanzas: readonly Stanza[], seed: Buffer): Uint8Array | null {
  const { kem, dh } = privateKeys(seed);
  for (const { args, body } of stanzas.filter(({ args: [type] }) => type === STANZA)) {
    const encapsulated = Buffer.from(base64nopad.decode(args[1] ?? ''));
    if (args.length !== 2 || encapsulated.length !== KEM.ciphertext + 32) throw new Error('invalid stanza');
    if (body.length !== SEALED_FILE_KEY_BYTES) throw new Error('invalid stanza');
    const share = encapsulated.subarray(KEM.ciphertext);
    const sharedKey = crypto.decapsulate(kem, encapsulated.subarray(0, KEM.ciphertext));
    const { key, nonce } = contextOf(combined(sharedKey, agreed(dh, share), share, publicBytes(dh)));
    const cipher = crypto.createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    cipher.setAuthTag(body.subarray(-16));
    const fileKey = cipher.update(body.subarray(0, -16));
    try {
      return Buffer.concat([fileKey, cipher.final()]);
    } catch {
      // A stanza of another recipient.
    }
  }
  return null;
}

/** The keys of a seed, as MLKEM768-X25519 (draft-ietf-hpke-pq) expands it. */
function privateKeys(seed: Uint8Array): { kem: crypto.KeyObject; dh: crypto.KeyObject } {
  const expanded = crypto
    .createHash('shake256', { outputLength: KEM.seed + 32 })
    .update(seed)
    .digest();
  const dh = {
    key: expanded.subarray(KEM.seed),
    format: 'raw-private',
    asymmetricKeyType: 'x25519',
  } as const;
  return { kem: kemPrivateKey(expanded.subarray(0, KEM.seed)), dh: crypto.createPrivateKey(dh) };
}

function kemPrivateKey(key: Buffer): crypto.KeyObject {
  return crypto.createPrivateKey({ key, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' });
}

function publicBytes(privateKey: crypto.KeyObject): Buffer {
  return crypto.createPublicKey(privateKey).export({ format: 'raw-public' });
}

function agreed(privateKey: crypto.KeyObject, key: Buffer): Buffer {
  const publicKey = crypto.createPublicKey({ key, format: 'raw-public', asymmetricKeyType: 'x25519' });
  return crypto.diffieHellman({ privateKey, publicKey });
}

/** The shared secret of MLKEM768-X25519. */
function combined(...parts: [kem: Uint8Array, dh: Uint8Array, share: Uint8Array, peer: Uint8Array]): Buffer {
  return crypto.createHash('sha3-256').update(Buffer.concat(parts)).update('\\.//^\\').digest();
}

/** The key schedule of HPKE (RFC 9180, section 5.1) in its base mode: its extract and expand together are HKDF. */
function contextOf(sharedSecret: Uint8Array): { key: Buffer; nonce: Buffer } {
  const hashed = (text: string) => crypto.createHmac('sha256', '').update(SUITE).update(text).digest();
  const hashes = [hashed('psk_id_hash'), hashed(`info_hash${INFO}`)];
  const derived = (label: string, length: number) => {
    const info = Buffer.concat([Uint8Array.of(0, length), SUITE, Buffer.from(`${label}\0`), ...hashes]);
    const input = Buffer.concat([SUITE, Buffer.from('secret')]);
    return Buffer.from(crypto.hkdfSync('sha256', input, sharedSecret, info, length));
  };
  return { key: derived('key', 32), nonce: derived('base_nonce', 12) };
}
