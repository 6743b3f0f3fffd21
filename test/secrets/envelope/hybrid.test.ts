// Hybrid keys on Node's cryptography and in the JavaScript of age-encryption: each opens what the other one seals.
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nativeIdentity, nativeRecipient, nativeRecipientOf } from '../../../src/secrets/envelope/hybrid.ts';
import { seeded } from '../../support/seed.ts';

type Recipients = Parameters<Encrypter['addRecipient']>[0][];
type Identities = Parameters<Decrypter['addIdentity']>[0][];

async function sealed(text: string, recipients: Recipients): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(text);
}

async function opened(file: Uint8Array, identities: Identities): Promise<string> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  return decrypter.decrypt(file, 'text');
}

async function aKey(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateHybridIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

test('this Node has ML-KEM, so that the other tests are about it', async () => {
  const { identity, recipient } = await aKey();
  expect(nativeIdentity(identity)).not.toBe(identity);
  expect(nativeRecipient(recipient)).not.toBe(recipient);
});

test('each opens what the other one seals, and the recipient of a key is the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
      const [ann, bob] = await Promise.all([aKey(), aKey()]);
      expect(nativeRecipientOf(ann.identity)).toBe(ann.recipient);
      const native = await sealed(text, [nativeRecipient(bob.recipient), nativeRecipient(ann.recipient)]);
      expect(await opened(native, [ann.identity])).toBe(text);
      const other = await sealed(text, [bob.recipient, ann.recipient]);
      expect(await opened(other, [nativeIdentity(ann.identity)])).toBe(text);
    }),
    seeded({ numRuns: 10 }),
  );
});

test('another key opens nothing', async () => {
  const [ann, bob] = await Promise.all([aKey(), aKey()]);
  const file = await sealed('A=1', [nativeRecipient(ann.recipient)]);
  await expect(opened(file, [nativeIdentity(bob.identity)])).rejects.toThrow(/no identity matched/);
});

test('a key of another kind is for age-encryption', () => {
  for (const text of ['AGE-SECRET-KEY-1QQ', 'age1qq', 'AGE1PQ1QQ', '']) {
    expect(nativeIdentity(text)).toBe(text);
    expect(nativeRecipient(text)).toBe(text);
    expect(nativeRecipientOf(text)).toBeUndefined();
  }
});

test('a mistyped key is refused by a message that does not hold it', async () => {
  const { identity, recipient } = await aKey();
  const mistyped = (text: string) =>
    text.slice(0, -1) + (text.endsWith('q') || text.endsWith('Q') ? 'p' : 'q');
  for (const wrong of [mistyped(identity), identity.slice(0, -9), `${identity}QQQQ`, 'AGE-SECRET-KEY-PQ-1'])
    for (const use of [nativeIdentity, nativeRecipientOf])
      expect(() => use(wrong)).toThrow(/^invalid identity$/);
  for (const wrong of [mistyped(recipient), recipient.slice(0, -9), 'age1pq1'])
    expect(() => nativeRecipient(wrong)).toThrow(/^invalid recipient$/);
});
