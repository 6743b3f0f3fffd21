// The public test vectors of age (C2SP CCTV), through the way by which lsh opens a version: what must open opens, what must
// fail fails.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { armor } from 'age-encryption';
import * as files from 'cctv-age';
import { describe, expect, test } from 'vitest';
import { decryptFile, generateKey } from '../../../src/secrets/envelope/age-file.ts';
import { hashOf, open } from '../../../src/secrets/envelope/envelope.ts';

interface Vector {
  name: string;
  /** `success`, `no match`, or the part of the file that is wrong. */
  expected: string;
  /** SHA-256 of the plaintext. */
  payload: string | undefined;
  identities: string[];
  hasPassphrase: boolean;
  envelope: string;
}

/** A vector is lines of `name: value`, an empty line, and the age file. */
function vectorOf(name: string, file: Uint8Array): Vector {
  const bytes = Buffer.from(file);
  const end = bytes.indexOf('\n\n');
  const fields = bytes.toString('latin1', 0, end).split('\n');
  const values = (field: string) =>
    fields.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));
  const stored = bytes.subarray(end + 2);
  const age = values('compressed')[0] === 'zlib' ? inflateSync(stored) : stored;
  return {
    name,
    expected: values('expect')[0]!,
    payload: values('payload')[0],
    identities: values('identity'),
    hasPassphrase: values('passphrase').length > 0,
    envelope: values('armored')[0] === 'yes' ? age.toString('latin1') : armor.encode(age),
  };
}

const vectors = Object.entries(files).map(([name, file]) => vectorOf(name, file));
const withKeys = vectors.filter(({ hasPassphrase }) => !hasPassphrase);

/** lsh has no passphrases: it opens none of these, also those that age opens. */
const PASSPHRASES = [
  'armor_scrypt',
  'scrypt',
  'scrypt_and_x25519',
  'scrypt_bad_tag',
  'scrypt_double',
  'scrypt_extra_argument',
  'scrypt_long_file_key',
  'scrypt_no_match',
  'scrypt_not_canonical_body',
  'scrypt_not_canonical_salt',
  'scrypt_salt_long',
  'scrypt_salt_missing',
  'scrypt_salt_short',
  'scrypt_uppercase',
  'scrypt_work_factor_23',
  'scrypt_work_factor_hex',
  'scrypt_work_factor_leading_garbage',
  'scrypt_work_factor_leading_plus',
  'scrypt_work_factor_leading_zero_decimal',
  'scrypt_work_factor_leading_zero_octal',
  'scrypt_work_factor_missing',
  'scrypt_work_factor_negative',
  'scrypt_work_factor_overflow',
  'scrypt_work_factor_trailing_garbage',
  'scrypt_work_factor_wrong',
  'scrypt_work_factor_zero',
];

/** A version has one text, so lsh accepts one form of armor. age accepts other white space. */
const OTHER_ARMOR = ['armor_crlf', 'armor_no_eol', 'armor_whitespace_outside'];

const NO_MATCH = { code: 'SECRETS_KEY_MISMATCH' };
/** Says that age refuses the file: what lsh would refuse in an opened file has other words. */
const WRONG = {
  code: 'SECRETS_TAMPERED',
  message: expect.stringContaining('it does not open:') as string,
};

function opened({ envelope, identities }: Vector): Promise<unknown> {
  const hash = hashOf(envelope);
  const stored = { version: 1, hash, parents: [], author: 'a', createdAt: 0, origin: 'o', envelope };
  return open({ project: 'p', environment: 'prod' }, stored, identities);
}

describe('what must open', () => {
  const good = withKeys.filter(({ expected }) => expected === 'success');

  test.each(good.filter(({ name }) => !OTHER_ARMOR.includes(name)))('$name opens', async (vector) => {
    const plaintext = await decryptFile(vector.envelope, vector.identities);
    expect(createHash('sha256').update(plaintext).digest('hex')).toBe(vector.payload);
  });

  test.each(OTHER_ARMOR)('%s is refused: it has armor of another form', async (name) => {
    const vector = good.find((each) => each.name === name)!;
    await expect(opened(vector)).rejects.toMatchObject({
      code: 'SECRETS_TAMPERED',
      message: expect.stringContaining('the armor has another form') as string,
    });
  });
});

describe('what must fail', () => {
  test.each(withKeys.filter(({ expected }) => expected !== 'success'))('$name: $expected', async (vector) => {
    await expect(opened(vector)).rejects.toMatchObject(vector.expected === 'no match' ? NO_MATCH : WRONG);
  });
});

describe('what needs a passphrase', () => {
  const others = vectors.filter(({ hasPassphrase }) => hasPassphrase);

  test('is listed', () => {
    expect(others.map(({ name }) => name)).toEqual(PASSPHRASES);
  });

  test.each(others)('$name opens with no key', async (vector) => {
    const { identity } = await generateKey('classic');
    const identities = [identity, ...vector.identities];
    await expect(decryptFile(vector.envelope, identities)).rejects.toThrow();
  });
});

test('there are 117 vectors with keys', () => {
  expect(withKeys.length).toBe(117);
});

test('a version that age 1.3.2 sealed for a post-quantum key opens', async () => {
  const fixture = (name: string) =>
    readFileSync(join(import.meta.dirname, '../../fixtures/age', name), 'utf8');
  const envelope = fixture('hybrid.age');
  const identity = fixture('hybrid.key').trim().split('\n').at(-1)!;
  const hash = hashOf(envelope);
  const stored = { version: 1, hash, parents: [], author: 'a', createdAt: 0, origin: 'o', envelope };
  const ref = { project: 'github.com/acme/app', environment: 'prod' };
  expect(await open(ref, stored, [identity])).toMatchObject({
    author: 'ann@host',
    text: '# by age 1.3.2\nA="x\ny"\n',
  });
});
