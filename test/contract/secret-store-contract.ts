// What every store of secrets does. A store sees only ciphertext, so any text serves as an envelope here.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type {
  AuditEntry,
  EnvironmentRef,
  SecretStore,
  StoredVersion,
} from '../../src/contracts/secret-store.ts';

const T0 = Date.parse('2026-11-29T02:00:00Z');

export function aStored(version: number, parents: readonly StoredVersion[], text = 'a'): StoredVersion {
  const envelope = `-----BEGIN AGE ENCRYPTED FILE-----\n${version} ${text}\n`;
  return {
    version,
    hash: createHash('sha256').update(envelope).digest('hex'),
    parents: parents.map(({ hash }) => hash),
    author: 'ann@host',
    createdAt: T0 + version * 1000,
    origin: 'host',
    envelope,
  };
}

export function anEntry({ version, hash }: Partial<StoredVersion>, at = T0): AuditEntry {
  return { action: 'push', at, actor: 'ann@host', origin: 'host', version, hash, detail: '1 added' };
}

/** `stores` are two clients of one empty store. */
export function secretStoreContract(
  what: string,
  stores: () => Promise<[SecretStore, SecretStore]> | [SecretStore, SecretStore],
): void {
  describe(`${what} as a store of secrets`, () => {
    const ref: EnvironmentRef = { project: 'github.com/acme/app', environment: 'prod' };
    const put = (store: SecretStore, version: StoredVersion, of = ref) =>
      store.append(of, version, anEntry(version, version.createdAt));

    test('holds nothing at first', async () => {
      const [store] = await stores();
      expect(await store.heads(ref)).toEqual([]);
      expect(await store.history(ref)).toEqual([]);
      expect(await store.version(ref, 1)).toBeUndefined();
      expect(await store.version(ref, 'a'.repeat(64))).toBeUndefined();
      expect(await store.environments(ref.project)).toEqual([]);
      expect(await store.audit(ref, 10)).toEqual([]);
      expect(store.place).not.toBe('');
    });

    test('gives back what was appended, to every client', async () => {
      const [store, other] = await stores();
      const first = aStored(1, []);
      const second = aStored(2, [first]);
      expect(await put(store, first)).toBe('appended');
      expect(await put(other, second)).toBe('appended');
      expect(await store.heads(ref)).toEqual([second]);
      expect(await other.version(ref, 1)).toEqual(first);
      expect(await other.version(ref, first.hash)).toEqual(first);
      expect(await store.version(ref, 3)).toBeUndefined();
      const history = await store.history(ref);
      expect(history).toMatchObject([
        {
          version: 2,
          hash: second.hash,
          parents: [first.hash],
          author: 'ann@host',
          createdAt: second.createdAt,
        },
        { version: 1, hash: first.hash, parents: [], origin: 'host' },
      ]);
      expect(history.some((entry) => 'envelope' in entry)).toBe(false);
    });

    test('appends only to its head', async () => {
      const [store, other] = await stores();
      const first = aStored(1, []);
      const [second, rival] = [aStored(2, [first], 'second'), aStored(2, [first], 'rival')];
      await put(store, first);
      expect(await put(other, aStored(1, [], 'another first'))).toBe('moved');
      expect(await put(store, second)).toBe('appended');
      expect(await put(other, rival)).toBe('moved');
      expect(await put(other, second)).toBe('moved');
      expect(await other.heads(ref)).toEqual([second]);
      expect(await other.audit(ref, 10)).toHaveLength(2);
    });

    test('of appends at the same time, one wins', async () => {
      const [store, other] = await stores();
      const rivals = Array.from({ length: 6 }, (_, index) => aStored(1, [], `rival ${index}`));
      const results = await Promise.all(rivals.map((rival, index) => put(index % 2 ? store : other, rival)));
      expect(results.filter((result) => result === 'appended')).toHaveLength(1);
      expect(await store.heads(ref)).toEqual([rivals[results.indexOf('appended')]]);
    });

    test('keeps environments and projects apart', async () => {
      const [store] = await stores();
      const [prod, dev, other] = [aStored(1, [], 'prod'), aStored(1, [], 'dev'), aStored(1, [], 'other')];
      const refs = [ref, { ...ref, environment: 'dev' }, { ...ref, project: `${ref.project}/services/api` }];
      for (const [index, version] of [prod, dev, other].entries()) await put(store, version, refs[index]);
      expect(await Promise.all(refs.map(async (each) => (await store.heads(each))[0]))).toEqual([
        prod,
        dev,
        other,
      ]);
      expect(await store.environments(ref.project)).toEqual(['dev', 'prod']);
    });

    test('keeps the audit, newest first', async () => {
      const [store, other] = await stores();
      const first = aStored(1, []);
      await put(store, first);
      const pull: AuditEntry = { ...anEntry(first, T0 + 5000), action: 'pull', detail: undefined };
      await other.record(ref, pull);
      const entries = await store.audit(ref, 10);
      expect(entries).toMatchObject([
        { action: 'pull', at: T0 + 5000, version: 1, hash: first.hash },
        { action: 'push', at: T0 + 1000, actor: 'ann@host', origin: 'host', detail: '1 added' },
      ]);
      expect(await store.audit(ref, 1)).toHaveLength(1);
    });
  });
}
