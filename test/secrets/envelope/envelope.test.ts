// A version opens only where it belongs, with a key it was sealed for, and byte for byte as it was written. The program age
// reads what lsh writes, and the other way round.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { StoredVersion } from '../../../src/contracts/secret-store.ts';
import { proofOf, provesToFollow, readContent, writeContent } from '../../../src/secrets/envelope/content.ts';
import {
  generateKey,
  recipientOf,
  requireRecipient,
  type KeyPair,
} from '../../../src/secrets/envelope/age-file.ts';
import { hashOf, open, seal, type NewContent } from '../../../src/secrets/envelope/envelope.ts';
import { seeded } from '../../support/seed.ts';
import { tempDir } from '../../support/temp-dir.ts';

const REF = { project: 'github.com/acme/app', environment: 'prod' };
let classic: KeyPair;
let hybrid: KeyPair;
beforeAll(async () => {
  [classic, hybrid] = await Promise.all([generateKey('classic'), generateKey('hybrid')]);
});

function aContent(text: string, keys: KeyPair[]): NewContent {
  const recipients = keys.map(({ recipient }, index) => ({ name: `key-${index}`, recipient }));
  return { ...REF, author: 'ann@host', createdAt: Date.parse('2026-11-29T02:00:00Z'), recipients, text };
}

function withEnvelope(stored: StoredVersion, envelope: string): StoredVersion {
  return { ...stored, envelope, hash: hashOf(envelope) };
}

const refusal = (code: string, words: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(words) as string });

test('any text comes back unchanged, for each kind of key', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('classic', 'hybrid'),
      async (text, kind) => {
        const key = kind === 'classic' ? classic : hybrid;
        const { stored, opened } = await seal(aContent(text, [key]), [], 'host');
        expect(await open(REF, stored, [key.identity])).toEqual(opened);
        expect(opened.text).toBe(text);
      },
    ),
    seeded({ numRuns: 40 }),
  );
});

test('a mistyped key opens nothing and has no recipient, and no error shows it', async () => {
  for (const key of [classic, hybrid]) {
    const last = key.identity.at(-1)!;
    const mistyped = key.identity.slice(0, -1) + (last === 'Q' ? 'P' : 'Q');
    const { stored } = await seal(aContent('A=1\n', [key]), [], 'host');
    for (const tried of [open(REF, stored, [mistyped]), recipientOf(mistyped)]) {
      const error: unknown = await tried.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'SECRETS_KEY_INVALID' });
      expect(inspect(error)).not.toContain(mistyped);
    }
  }
});

test('keys name their recipients; a secret key is no recipient, and no error shows it', async () => {
  expect(classic.recipient).toMatch(/^age1[a-z0-9]{58}$/);
  expect(hybrid.recipient).toMatch(/^age1pq1/);
  expect(await recipientOf(hybrid.identity)).toBe(hybrid.recipient);
  requireRecipient(classic.recipient);
  expect(() => requireRecipient('age1nonsense')).toThrow(
    expect.objectContaining({ code: 'RECIPIENT_INVALID' }),
  );
  try {
    requireRecipient(classic.identity);
    expect.unreachable();
  } catch (error) {
    expect(JSON.stringify(error) + String(error)).not.toContain(classic.identity);
  }
});

test('a mistyped key is named as such, and no error shows it', async () => {
  const { stored } = await seal(aContent('A=1', [classic, hybrid]), [], 'host');
  for (const { identity } of [classic, hybrid]) {
    const mistyped = identity.slice(0, -1) + (identity.endsWith('Q') ? 'P' : 'Q');
    for (const used of [open(REF, stored, [mistyped]), recipientOf(mistyped)]) {
      const error: unknown = await used.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'SECRETS_KEY_INVALID' });
      expect(inspect(error)).not.toContain(identity.slice(20, -6));
    }
  }
});

describe('what a store may try', () => {
  test('any flipped bit of the envelope is refused', async () => {
    const { stored } = await seal(aContent('A=1\n', [classic]), [], 'host');
    const bytes = Buffer.from(stored.envelope);
    const flips = fc.record({ at: fc.nat({ max: bytes.length - 1 }), bit: fc.nat({ max: 7 }) });
    await fc.assert(
      fc.asyncProperty(flips, async ({ at, bit }) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1 << bit;
        const envelope = changed.toString('latin1');
        await expect(open(REF, { ...stored, envelope }, [classic.identity])).rejects.toThrow(
          refusal('SECRETS_TAMPERED', /bytes have changed/),
        );
        await expect(open(REF, withEnvelope(stored, envelope), [classic.identity])).rejects.toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^SECRETS_(TAMPERED|KEY_MISMATCH)$/) as string,
          }),
        );
      }),
      seeded({ numRuns: 200 }),
    );
  });

  test('another environment, another project, another number, other parents', async () => {
    const { stored } = await seal(aContent('A=1\n', [classic]), [], 'host');
    const opened = (ref: typeof REF, as: StoredVersion) => open(ref, as, [classic.identity]);
    await expect(opened({ ...REF, environment: 'dev' }, stored)).rejects.toThrow(
      refusal('SECRETS_TAMPERED', /belongs to environment prod/),
    );
    await expect(opened({ ...REF, project: 'github.com/evil/app' }, stored)).rejects.toThrow(
      refusal('SECRETS_TAMPERED', /belongs to project github.com\/acme\/app/),
    );
    await expect(opened(REF, { ...stored, version: 2 })).rejects.toThrow(
      refusal('SECRETS_TAMPERED', /it is version 1/),
    );
    await expect(opened(REF, { ...stored, parents: ['0'.repeat(64)] })).rejects.toThrow(
      refusal('SECRETS_TAMPERED', /follows other versions/),
    );
  });

  test('a version of another author who knows the recipients alone proves nothing', async () => {
    const first = await seal(aContent('A=1\n', [classic]), [], 'host');
    const second = await seal(aContent('A=2\n', [classic]), [first.opened], 'host');
    const opened = await open(REF, second.stored, [classic.identity]);
    expect(opened.version).toBe(2);
    expect(provesToFollow(opened, first.opened)).toBe(true);
    // The forger has the store and every public recipient, and no chain key.
    const forgedParent = { ...first.opened, chainKey: Buffer.alloc(32).toString('base64') };
    const forged = await seal(aContent('A=evil\n', [classic]), [forgedParent], 'host');
    expect(provesToFollow(await open(REF, forged.stored, [classic.identity]), first.opened)).toBe(false);
    expect(provesToFollow({ ...opened, text: 'A=3\n' }, first.opened)).toBe(false);
    expect(provesToFollow({ ...opened, recipients: [] }, first.opened)).toBe(false);
    expect(provesToFollow({ ...opened, parents: [] }, first.opened)).toBe(false);
  });

  test('a key that is no recipient, and a plaintext of something else', async () => {
    const { stored } = await seal(aContent('A=1\n', [classic]), [], 'host');
    await expect(open(REF, stored, [hybrid.identity])).rejects.toThrow(
      refusal('SECRETS_KEY_MISMATCH', /No key of this machine opens version 1 of prod/),
    );
    expect(readContent('lsh-secrets/2\n{}\n\n')).toEqual({ format: 'lsh-secrets/2' });
    for (const plaintext of [
      '',
      'A=1\n',
      'lsh-secrets/1\n{}',
      'lsh-secrets/1\n{\n\nA=1',
      'lsh-secrets/1\n{}\n\nA=1',
    ])
      expect(readContent(plaintext)).toEqual({ fault: expect.any(String) as string });
  });

  test('the bytes of the format are fixed: the proofs cover them', () => {
    const content = {
      ...REF,
      version: 2,
      parents: ['a'.repeat(64)],
      author: 'ann@host',
      createdAt: '2026-11-29T02:00:00.000Z',
      recipients: [{ name: 'ann', recipient: 'age1x' }],
      chainKey: Buffer.alloc(32, 1).toString('base64'),
      proofs: [],
      text: 'A=1\n',
    };
    expect(createHash('sha256').update(writeContent(content)).digest('hex')).toMatchInlineSnapshot(
      `"23d085370e91f2984f614e27c2fb10992451f7458ea38d61c240ecc91e7553b8"`,
    );
    expect(proofOf(content, Buffer.alloc(32, 2).toString('base64'))).toMatchInlineSnapshot(
      `"1facdb5b218634f608524b904b807974c4c638d384ea9f201636c923153f1d68"`,
    );
  });
});

describe('the program age', () => {
  const isInstalled = spawnSync('age', ['--version']).status === 0;
  const needsAge = test.skipIf(!isInstalled && !process.env['CI']);

  needsAge('opens what lsh seals for a classic key, and the env file begins at the fourth line', async () => {
    const { stored } = await seal(aContent('# c\nA="x\ny"\n', [classic, hybrid]), [], 'host');
    const [identity, envelope] = [join(tempDir(), 'keys'), join(tempDir(), 'v1.age')];
    writeFileSync(identity, `# a comment\n${classic.identity}\n`, { mode: 0o600 });
    writeFileSync(envelope, stored.envelope);
    const plaintext = execFileSync('age', ['-d', '-i', identity, envelope], { encoding: 'utf8' });
    expect(plaintext.split('\n').slice(3).join('\n')).toBe('# c\nA="x\ny"\n');
    expect(readContent(plaintext)).toMatchObject({ ...REF, version: 1, author: 'ann@host' });
  });

  needsAge('writes what lsh opens', async () => {
    const { opened, stored } = await seal(aContent('A=1\n', [classic]), [], 'host');
    const envelope = execFileSync('age', ['-a', '-r', classic.recipient], {
      input: writeContent(opened),
      encoding: 'utf8',
    });
    const { text } = await open(REF, withEnvelope(stored, envelope), [classic.identity]);
    expect(text).toBe('A=1\n');
  });

  needsAge('opens what lsh seals for a post-quantum key, and writes what lsh opens', async ({ skip }) => {
    const version = execFileSync('age', ['--version'], { encoding: 'utf8' }).trim();
    const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number);
    skip(major === 1 && minor < 3, `age ${version} has no post-quantum keys; 1.3 has`);
    const { opened, stored } = await seal(aContent('A=1\n', [hybrid]), [], 'host');
    const identity = join(tempDir(), 'keys');
    writeFileSync(identity, `${hybrid.identity}\n`, { mode: 0o600 });
    const age = (args: string[], input: string) => execFileSync('age', args, { input, encoding: 'utf8' });
    expect(age(['-d', '-i', identity], stored.envelope)).toBe(writeContent(opened));
    const envelope = age(['-a', '-r', hybrid.recipient], writeContent(opened));
    const { text } = await open(REF, withEnvelope(stored, envelope), [hybrid.identity]);
    expect(text).toBe('A=1\n');
  });
});
