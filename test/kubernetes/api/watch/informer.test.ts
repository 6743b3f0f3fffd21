// The informer against a real API server, through every failure of a watch.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kubernetes/api/client.ts';
import { Informer, type InformerOptions } from '../../../../src/kubernetes/api/watch/informer.ts';
import { NamespacedInformer } from '../../../../src/kubernetes/api/watch/namespaced-informer.ts';
import type { KubeObject } from '../../../../src/kubernetes/api/objects.ts';
import { ByteProxy } from '../../../support/cluster/byte-proxy.ts';
import { eventually } from '../../../support/eventually.ts';
import { HttpProxy, type Answer } from '../../../support/cluster/http-proxy.ts';
import { keptLogger, type KeptLogger } from '../../../support/kept-logger.ts';
import { KubeEnvironment, NO_KUBE } from '../../../support/cluster/kube.ts';

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const FAST = { initialMs: 20, maxMs: 200 };

describe.skipIf(NO_KUBE)('the informer', () => {
  let environment: KubeEnvironment;
  let direct: KubeClient;
  let namespace: string;
  let path: string;
  let logger: KeptLogger;
  let count = 0;

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    direct = await environment.client();
  });
  afterAll(() => environment?.stop());

  beforeEach(async () => {
    namespace = `n${++count}`;
    path = `/api/v1/namespaces/${namespace}/configmaps`;
    logger = keptLogger();
    await direct.json({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { metadata: { name: namespace } },
    });
  });

  const create = (name: string, data = {}) =>
    direct.json<ConfigMap>({ method: 'POST', path, body: { metadata: { name }, data } });
  const remove = (name: string) => direct.json({ method: 'DELETE', path: `${path}/${name}` });

  /** Runs the test with an informer behind the proxy; afterwards the informer must leave no connection. */
  async function informed(
    proxy: ByteProxy | HttpProxy,
    options: Partial<InformerOptions<KubeObject>>,
    body: (informer: Informer<ConfigMap>) => Promise<void>,
  ): Promise<void> {
    const client = await environment.client(proxy.url);
    const informer = new Informer<ConfigMap>({ client, logger, path, backoff: FAST, ...options });
    try {
      informer.start();
      await body(informer);
    } finally {
      await informer.stop();
      await client.close();
      await eventually(async () => (typeof proxy.open === 'number' ? proxy.open : await proxy.open()) === 0);
      await proxy.stop();
    }
  }

  const names = (informer: Informer<ConfigMap>) =>
    [...informer.keys()].map((key) => key.slice(namespace.length + 1)).sort();

  /** Answers the watches with the given answers in turn; forwards all other requests. */
  function watchesAnswered(proxy: HttpProxy, ...answers: Answer[]): void {
    proxy.intercept = ({ url }) => (url.searchParams.has('watch') ? answers.shift() : undefined);
  }

  test('a list of 1,201 objects comes in pages of 500, and changes follow in order', async () => {
    const many = Array.from({ length: 1_201 }, (_, index) => `c${index}`);
    await Promise.all(many.map((name) => create(name)));
    const proxy = await HttpProxy.start(environment);
    await informed(proxy, {}, async (informer) => {
      const changes: string[] = [];
      informer.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
      await informer.synced();
      expect(names(informer)).toHaveLength(1_201);
      expect(proxy.requests.filter(({ url }) => url.searchParams.get('limit') === '500')).toHaveLength(3);
      expect(informer.get(`${namespace}/c7`)?.metadata).not.toHaveProperty('managedFields');
      changes.length = 0;
      await create('new');
      const patch = {
        method: 'PATCH',
        path: `${path}/new`,
        contentType: 'application/merge-patch+json',
      } as const;
      await direct.json({ ...patch, body: { data: { a: '1' } } });
      await remove('new');
      await eventually(() => changes.length === 3);
      expect(changes).toEqual(['Added new', 'Modified new', 'Deleted new']);
      expect(informer.health).toMatchObject({ lists: 1, watches: 1 });
    });
  });

  test('an expired continue token leads to one whole list', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => create(name)));
    const proxy = await HttpProxy.start(environment);
    proxy.intercept = ({ url }) =>
      url.searchParams.has('continue') ? { status: 410, body: '{"reason":"Expired"}' } : undefined;
    await informed(proxy, { pageSize: 2 }, async (informer) => {
      await informer.synced();
      expect(names(informer)).toEqual(expect.arrayContaining(['a', 'b', 'c']));
    });
  });

  test('a watch without bytes is found dead, and its connection is not used again', async () => {
    const proxy = await ByteProxy.start(environment.server);
    // Long enough that a busy server is not taken for a silent one.
    const silenceMs = 5_000;
    await informed(proxy, { inactivityMs: silenceMs }, async (informer) => {
      await eventually(() => informer.health.watches === 1);
      await create('before');
      await eventually(() => informer.get(`${namespace}/before`));
      proxy.hold();
      await create('unseen');
      await eventually(() => informer.get(`${namespace}/unseen`));
      expect(proxy.accepted).toBe(2);
      expect(informer.health.blindMs).toBeGreaterThan(silenceMs);
      expect(logger.lines.map(({ fields }) => fields)).toContainEqual(
        expect.objectContaining({ error: `silent for ${silenceMs} ms` }),
      );
    });
  });

  test('a quiet watch stays open until its silence, counted from the last event, is too long', async () => {
    const silenceMs = 5_000;
    const proxy = await HttpProxy.start(environment);
    await informed(proxy, { inactivityMs: silenceMs }, async (informer) => {
      await eventually(() => informer.health.watches === 1);
      const { blindMs } = informer.health;
      const createdAt = performance.now();
      await create('last');
      // The silence before counts as blind, once the watch is given up.
      await eventually(() => informer.health.blindMs > blindMs);
      expect(performance.now() - createdAt).toBeGreaterThanOrEqual(silenceMs);
      expect(informer.health.blindMs).toBeGreaterThanOrEqual(blindMs + silenceMs);
      expect(informer.get(`${namespace}/last`)).toBeDefined();
      expect(proxy.watches).toHaveLength(1);
      await eventually(() => informer.health.watches === 2);
    });
  });

  test('an informer that is started twice lists and watches once', async () => {
    const proxy = await HttpProxy.start(environment);
    await informed(proxy, {}, async (informer) => {
      const changes: string[] = [];
      informer.onChange(({ object }) => changes.push(object.metadata.name));
      informer.start();
      await eventually(() => informer.health.watches === 1);
      informer.start();
      await create('one');
      await create('two');
      await eventually(() => changes.includes('two'));
      expect(changes).toEqual(['one', 'two']);
      expect(informer.health).toMatchObject({ lists: 1, watches: 1 });
      expect(proxy.requests.map(({ url }) => url.searchParams.get('watch'))).toEqual([null, 'true']);
    });
  });

  test('a broken connection is reopened without a new list, and no change is missed', async () => {
    const proxy = await ByteProxy.start(environment.server);
    await informed(proxy, {}, async (informer) => {
      await eventually(() => informer.health.watches === 1);
      proxy.refusing = true;
      proxy.cut();
      await create('meanwhile');
      await eventually(() => logger.lines.length >= 2);
      proxy.refusing = false;
      await eventually(() => informer.get(`${namespace}/meanwhile`));
      expect(informer.health.lists).toBe(1);
      expect(informer.health.blindMs).toBeGreaterThan(0);
    });
  });

  test('after a restart with a compacted store, a new list reveals the deletions', async () => {
    await create('kept');
    await create('deleted');
    const proxy = await ByteProxy.start(environment.server);
    await informed(proxy, {}, async (informer) => {
      const changes: string[] = [];
      informer.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
      await eventually(() => informer.health.watches === 1);
      proxy.refusing = true;
      proxy.cut();
      await remove('deleted');
      await create('created');
      await environment.compactEtcd();
      await environment.stopApiServer();
      await environment.startApiServer();
      proxy.refusing = false;
      await eventually(() => informer.get(`${namespace}/created`));
      expect(informer.health.lists).toBe(2);
      expect(changes).toContain('Deleted deleted');
      expect(informer.get(`${namespace}/deleted`)).toBeUndefined();
      expect(informer.get(`${namespace}/kept`)).toBeDefined();
    });
  });

  test('the informer survives a restart of the API server', async () => {
    const proxy = await ByteProxy.start(environment.server);
    await informed(proxy, {}, async (informer) => {
      await eventually(() => informer.health.watches === 1);
      await environment.stopApiServer();
      await eventually(() => logger.lines.length > 0);
      await environment.startApiServer();
      await create('after');
      await eventually(() => informer.get(`${namespace}/after`));
    });
  });

  test('410 inside a watch leads to a new list at once, before the stream ends', async () => {
    const proxy = await HttpProxy.start(environment);
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    const body = `${JSON.stringify({ type: 'ERROR', object: status })}\n`;
    watchesAnswered(proxy, { status: 200, body, unended: true });
    await informed(proxy, {}, async (informer) => {
      await eventually(() => informer.health.lists === 2 && informer.health.watches === 2);
      expect(logger.lines).toHaveLength(1);
    });
  });

  test('an event that is not JSON is counted, and a new list recovers it', async () => {
    const proxy = await HttpProxy.start(environment);
    watchesAnswered(proxy, { status: 200, body: '{"type":"ADDED","object":{"met\n' });
    await informed(proxy, {}, async (informer) => {
      await eventually(() => informer.health.lists === 2 && informer.health.watches === 2);
      expect(informer.health.parseErrors).toBe(1);
    });
  });

  test('a line that the end of the connection cuts off is ignored', async () => {
    const proxy = await HttpProxy.start(environment);
    watchesAnswered(proxy, { status: 200, body: '{"type":"ADDED","object":{"met' });
    await informed(proxy, {}, async (informer) => {
      await eventually(() => informer.health.watches === 2);
      expect(informer.health).toMatchObject({ parseErrors: 0, lists: 1 });
    });
  });

  test('the next watch continues from the last bookmark', async () => {
    const proxy = await HttpProxy.start(environment);
    const bookmark = { type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { resourceVersion: '' } } };
    proxy.intercept = ({ url }) => {
      if (!url.searchParams.has('watch') || bookmark.object.metadata.resourceVersion !== '') return undefined;
      bookmark.object.metadata.resourceVersion = String(Number(url.searchParams.get('resourceVersion')) + 1);
      return { status: 200, body: `${JSON.stringify(bookmark)}\n` };
    };
    await create('so-that-the-server-is-there');
    await informed(proxy, {}, async (informer) => {
      await eventually(() => informer.health.watches === 2);
      const [first, second] = proxy.watches.map(({ url }) => url.searchParams);
      expect(first?.get('allowWatchBookmarks')).toBe('true');
      expect(Number(first?.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
      expect(second?.get('resourceVersion')).toBe(bookmark.object.metadata.resourceVersion);
    });
  });

  test('the informer waits for as long as the server asks', async () => {
    const proxy = await HttpProxy.start(environment);
    watchesAnswered(proxy, { status: 429, headers: { 'Retry-After': '1' } });
    await informed(proxy, {}, async (informer) => {
      await eventually(() => informer.health.watches === 1);
      const [refused, taken] = proxy.watches;
      expect(taken!.at - refused!.at).toBeGreaterThanOrEqual(1_000);
      expect(informer.health.lists).toBe(1);
    });
  });

  test.each([401, 403, 500, 503])(
    'status %i is retried with growing delays until it ends',
    async (status) => {
      const proxy = await HttpProxy.start(environment);
      let refusals = 0;
      proxy.intercept = () => (++refusals <= 8 ? { status, body: '{}' } : undefined);
      await informed(proxy, { random: () => 0.5 }, async (informer) => {
        await informer.synced();
        const delays = logger.lines.map(({ fields }) => (fields as { retryInMs: number }).retryInMs);
        expect(delays.slice(0, 4)).toEqual([15, 30, 60, 120]);
      });
    },
  );

  test('empty watches that end at once cause no tight loop', async () => {
    const proxy = await HttpProxy.start(environment);
    watchesAnswered(proxy, ...Array.from({ length: 4 }, () => ({ status: 200 })));
    await informed(proxy, { random: () => 0.5 }, async (informer) => {
      await eventually(() => informer.health.watches === 5);
      const delays = logger.lines.map(({ fields }) => (fields as { retryInMs: number }).retryInMs);
      expect(delays).toEqual([15, 30, 60, 120]);
    });
  });

  test('thirty cuts in a row leave one connection and a complete cache', async () => {
    const proxy = await ByteProxy.start(environment.server);
    await informed(proxy, { backoff: { initialMs: 1, maxMs: 5 } }, async (informer) => {
      for (let cut = 1; cut <= 30; cut++) {
        const { watches } = informer.health;
        await eventually(() => informer.health.watches >= Math.max(1, watches) && proxy.open > 0);
        const created = create(`c${cut}`);
        proxy.cut();
        await created;
      }
      await eventually(() => names(informer).filter((name) => /^c\d+$/.test(name)).length === 30);
      await eventually(() => proxy.open === 1);
      expect(proxy.accepted).toBeGreaterThanOrEqual(30);
      expect(informer.health.lists).toBe(1);
    });
  });

  test('the failures of several namespaces are added up', async () => {
    const proxy = await HttpProxy.start(environment);
    const second = `${namespace}-second`;
    await direct.json({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: second } } });
    const unreadable = { status: 200, body: '{"type":\n' };
    watchesAnswered(proxy, unreadable, unreadable, unreadable);
    const client = await environment.client(proxy.url);
    const pathOf = (each = '') => `/api/v1/namespaces/${each}/configmaps`;
    const namespaces = [namespace, second];
    const both = new NamespacedInformer({ client, logger, backoff: FAST, pathOf, namespaces });
    let calls = 0;
    both.onChange(() => {
      calls++;
      throw new Error('handlers only enqueue');
    });
    await both.start();
    await eventually(() => both.health().parseErrors === 3);
    for (const each of namespaces)
      await direct.json({ method: 'POST', path: pathOf(each), body: { metadata: { name: 'one' } } });
    await eventually(() => both.get(`${namespace}/one`) && both.get(`${second}/one`));
    await eventually(() => both.health().handlerErrors === calls);
    expect(calls).toBeGreaterThanOrEqual(2);
    await both.stop();
    await client.close();
    await proxy.stop();
  });

  test('a handler that throws is counted, and other handlers and later changes are not affected', async () => {
    const proxy = await HttpProxy.start(environment);
    await informed(proxy, {}, async (informer) => {
      const changes: string[] = [];
      informer.onChange(() => {
        throw new Error('handlers only enqueue');
      });
      informer.onChange(({ object }) => changes.push(object.metadata.name));
      await eventually(() => informer.health.watches === 1);
      await create('one');
      await create('two');
      await eventually(() => changes.includes('two'));
      expect(changes).toEqual(expect.arrayContaining(['one', 'two']));
      expect(informer.health.handlerErrors).toBe(changes.length);
    });
  });

  test('a stop during the longest delay takes effect at once', async () => {
    const proxy = await HttpProxy.start(environment);
    proxy.intercept = () => ({ status: 503, headers: { 'Retry-After': '3600' } });
    await informed(proxy, {}, async (informer) => {
      await eventually(() => logger.lines.length === 1);
      expect(informer.hasSynced()).toBe(false);
      expect(informer.health.blindMs).toBeGreaterThan(0);
    });
    expect(proxy.requests).toHaveLength(1);
  });
});
