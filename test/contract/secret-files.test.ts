// The store of secrets in files keeps the contract, and says which file is damaged.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { secretFilesIn } from '../support/stores/secret-files.ts';
import { tempDir } from '../support/temp-dir.ts';
import { anEntry, aStored, secretStoreContract } from './secret-store-contract.ts';

secretStoreContract('SecretFiles', () => {
  const root = tempDir();
  return [secretFilesIn(root), secretFilesIn(root)];
});

const REF = { project: 'app', environment: 'prod' };

test('finds two heads after a merge of two branches, and one after their merge', async () => {
  const root = tempDir();
  const directory = join(root, 'app', 'prod');
  mkdirSync(directory, { recursive: true });
  const first = aStored(1, []);
  const branches = [aStored(2, [first], 'ours'), aStored(2, [first], 'theirs')];
  for (const stored of [first, ...branches]) {
    const name = [stored.hash, ...stored.parents].map((hash) => hash.slice(0, 16)).join('-');
    const text = JSON.stringify({ ...stored, audit: anEntry(stored) });
    writeFileSync(join(directory, `${stored.version}-${name}.json`), text);
  }
  const store = secretFilesIn(root);
  const heads = await store.heads(REF);
  expect(heads).toHaveLength(2);
  expect(heads).toEqual(expect.arrayContaining(branches));
  const merged = aStored(3, heads);
  expect(await store.append(REF, merged, anEntry(merged))).toBe('appended');
  expect(await store.heads(REF)).toEqual([merged]);
});

test('a damaged file is an error that names it', async () => {
  const root = tempDir();
  const store = secretFilesIn(root);
  const first = aStored(1, []);
  await store.append(REF, first, anEntry(first));
  const directory = join(root, 'app', 'prod');
  const [name = ''] = readdirSync(directory);
  for (const text of ['', '{', '{}', JSON.stringify({ ...first, version: 2, audit: anEntry(first) })]) {
    writeFileSync(join(directory, name), text);
    await expect(store.heads(REF)).rejects.toMatchObject({
      code: 'SECRETS_FILE_INVALID',
      fields: { path: join(directory, name) },
    });
  }
});
