// What a store that lies can make a machine believe: nothing. The store here is the real one, in files that the test changes
// as the owner of the disk could.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { EnvironmentRef } from '../../src/contracts/secret-store.ts';
import { EnvFile } from '../../src/secrets/env-file/env-file.ts';
import { generateKey, type KeyPair } from '../../src/secrets/envelope/age-file.ts';
import { seal, type OpenedVersion } from '../../src/secrets/envelope/envelope.ts';
import { Vault, type VaultSettings } from '../../src/secrets/vault.ts';
import type { SecretFiles } from '../../src/stores/secret-files/secret-files.ts';
import { anEntry } from '../contract/secret-store-contract.ts';
import { secretFilesIn } from '../support/stores/secret-files.ts';
import { tempDir } from '../support/temp-dir.ts';

const REF: EnvironmentRef = { project: 'app', environment: 'prod' };
let ann: KeyPair;
let bob: KeyPair;
beforeAll(async () => {
  [ann, bob] = await Promise.all([generateKey('classic'), generateKey('classic')]);
});

interface World {
  root: string;
  store: SecretFiles;
  directory: string;
  vault: (settings?: Partial<VaultSettings>) => Vault;
  /** Appends one version for each text. */
  versions: (...texts: string[]) => Promise<OpenedVersion[]>;
}

function aWorld(): World {
  const root = tempDir();
  const store = secretFilesIn(root);
  const vault = (settings: Partial<VaultSettings> = {}) =>
    new Vault({
      store,
      ref: REF,
      identities: [ann.identity],
      author: 'ann@host',
      origin: 'host',
      now: () => 0,
      ...settings,
    });
  const versions = async (...texts: string[]) => {
    const appended: OpenedVersion[] = [];
    for (const text of texts) {
      const parents = appended.slice(-1);
      const recipients = [{ name: 'ann', recipient: ann.recipient }];
      appended.push((await vault().append({ parents, text, recipients, action: 'push' }))!);
    }
    return appended;
  };
  return { root, store, directory: join(root, 'app', 'prod'), vault, versions };
}

const fileOf = ({ directory }: World, version: number) =>
  join(
    directory,
    readdirSync(directory).find((name) => name.startsWith(`${version}-`))!,
  );

test('the newest version is proven back to the first', async () => {
  const world = aWorld();
  const [first, , third] = await world.versions('A=1\n', 'A=2\n', 'A=3\n');
  const head = await world.vault().head();
  expect(head).toMatchObject({ versions: [{ version: 3, hash: third!.hash }], file: { text: 'A=3\n' } });
  expect((await world.vault().version(1)).hash).toBe(first!.hash);
  await expect(world.vault().version(9)).rejects.toMatchObject({ code: 'SECRETS_VERSION_UNKNOWN' });
  expect(await aWorld().vault().head()).toBeUndefined();
});

test('an older version that is replayed is refused, and so is an empty store', async () => {
  const world = aWorld();
  const [, second] = await world.versions('A=1\n', 'A=2\n');
  const seen = world.vault({ newestSeen: second! });
  rmSync(fileOf(world, 2));
  await expect(seen.head()).rejects.toMatchObject({
    code: 'SECRETS_REPLAYED',
    message: 'The store answers with version 1 of prod, and this machine has seen version 2.',
  });
  rmSync(fileOf(world, 1));
  await expect(seen.head()).rejects.toMatchObject({ code: 'SECRETS_REPLAYED' });
});

test('a version that is missing from the middle is named', async () => {
  const world = aWorld();
  await world.versions('A=1\n', 'A=2\n', 'A=3\n');
  rmSync(fileOf(world, 2));
  // Without version 2, version 1 has no successor: it is a second head, and version 3 follows a version that is not there.
  await expect(world.vault().head()).rejects.toMatchObject({
    code: 'SECRETS_VERSION_MISSING',
    message: expect.stringContaining('version 3 follows') as string,
  });
});

test('a chain beside the one that this machine has seen is refused', async () => {
  const world = aWorld();
  const [, , third] = await world.versions('A=1\n', 'A=2\n', 'A=3\n');
  const other = aWorld();
  await other.versions('A=1\n', 'A=evil\n', 'A=evil\n', 'A=evil\n');
  rmSync(world.directory, { recursive: true });
  cpSync(other.directory, world.directory, { recursive: true });
  await expect(world.vault({ newestSeen: third! }).head()).rejects.toMatchObject({
    code: 'SECRETS_TAMPERED',
    message: expect.stringContaining(
      'version 3, which this machine has seen, is not among its ancestors',
    ) as string,
  });
});

test('the versions of another environment are refused in this one', async () => {
  const world = aWorld();
  await world.versions('A=1\n');
  cpSync(world.directory, join(world.root, 'app', 'dev'), { recursive: true });
  const dev = world.vault({ ref: { ...REF, environment: 'dev' } });
  await expect(dev.head()).rejects.toMatchObject({
    code: 'SECRETS_TAMPERED',
    message: expect.stringContaining('it belongs to environment prod') as string,
  });
});

test('who knows the recipients and can write to the store cannot forge the next version', async () => {
  const world = aWorld();
  const [, second] = await world.versions('A=1\n', 'A=2\n');
  const parent = { ...second!, chainKey: Buffer.alloc(32, 7).toString('base64') };
  const recipients = [{ name: 'ann', recipient: ann.recipient }];
  const next = { ...REF, author: 'ann@host', createdAt: 0, recipients, text: 'A=evil\n' };
  const { stored } = await seal(next, [parent], 'host');
  expect(await world.store.append(REF, stored, anEntry(stored))).toBe('appended');
  await expect(world.vault().head()).rejects.toMatchObject({
    code: 'SECRETS_TAMPERED',
    message: expect.stringContaining('its author could not open version 2 before it') as string,
  });
});

test('who joins later opens the newest version, and none from before', async () => {
  const world = aWorld();
  const [, second] = await world.versions('A=1\n', 'A=2\n');
  const both = [ann, bob].map(({ recipient }, index) => ({ name: ['ann', 'bob'][index]!, recipient }));
  await world.vault().append({ parents: [second!], text: 'A=3\n', recipients: both, action: 'rekey' });
  const ofBob = world.vault({ identities: [bob.identity] });
  expect((await ofBob.head())?.file.text).toBe('A=3\n');
  await expect(ofBob.version(2)).rejects.toMatchObject({ code: 'SECRETS_VERSION_UNKNOWN' });
});

test('two writers at once: one is told', async () => {
  const world = aWorld();
  const [first] = await world.versions('A=1\n');
  const recipients = [{ name: 'ann', recipient: ann.recipient }];
  const append = (text: string) =>
    world.vault().append({ parents: [first!], text, recipients, action: 'push' });
  const results = await Promise.all([append('A=2\n'), append('A=3\n')]);
  expect(results.filter((result) => result === undefined)).toHaveLength(1);
});

/** Two branches from one version, brought together as git does: by their files. */
async function branches(base: string, ours: string, theirs: string): Promise<World> {
  const world = aWorld();
  await world.versions(base);
  const branch = aWorld();
  cpSync(world.directory, branch.directory, { recursive: true });
  for (const [each, text] of [
    [world, ours],
    [branch, theirs],
  ] as const) {
    const { versions, recipients } = (await each.vault().head())!;
    await each.vault().append({ parents: versions, text, recipients, action: 'push' });
  }
  cpSync(branch.directory, world.directory, { recursive: true });
  return world;
}

test('two heads merge where no variable clashes, and the next version follows both', async () => {
  const world = await branches('A=1\nB=1\n', 'A=ours\nB=1\n', 'A=1\nB=theirs\nC=1\n');
  const head = (await world.vault().head())!;
  expect(head.versions.map(({ version }) => version)).toEqual([2, 2]);
  expect(Object.fromEntries(head.file.values)).toEqual({ A: 'ours', B: 'theirs', C: '1' });
  const { versions, recipients, file } = head;
  const merged = await world
    .vault()
    .append({ parents: versions, text: file.text, recipients, action: 'merge' });
  expect(merged).toMatchObject({ version: 3, proofs: [expect.any(String), expect.any(String)] });
  expect((await world.vault().heads()).map(({ version }) => version)).toEqual([3]);
});

test('two heads that clash are refused by name, unless a file decides', async () => {
  const world = await branches('A=1\nB=1\n', 'A=ours\nB=1\n', 'A=theirs\nB=1\n');
  await expect(world.vault().head()).rejects.toMatchObject({
    code: 'SECRETS_HEADS_CLASH',
    problems: [{ path: 'A', message: 'has two new values' }],
  });
  const decided = new EnvFile('A=both\nB=1\n');
  expect(await world.vault().head(decided)).toMatchObject({ file: decided, versions: [{}, {}] });
});

test('a new key on a machine that has seen the version before it was added', async () => {
  const world = aWorld();
  const [, second] = await world.versions('A=1\n', 'A=2\n');
  const recipients = [{ name: 'bob', recipient: bob.recipient }];
  const third = await world
    .vault()
    .append({ parents: [second!], text: 'A=3\n', recipients, action: 'rekey' });
  const ofBob = world.vault({ identities: [bob.identity], newestSeen: second! });
  expect((await ofBob.head())?.versions).toEqual([third]);
});
