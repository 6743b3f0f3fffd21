// A whole collection, page by page.
import { isGone } from './api-errors.ts';
import type { KubeRequest } from './client.ts';
import type { KubeApi } from './fence.ts';
import type { KubeList } from './objects.ts';

export interface ListRequest {
  path: string;
  query: KubeRequest['query'];
  /** Objects per page. */
  pageSize: number;
  signal?: AbortSignal;
}

/** All objects, and the resourceVersion at which a watch continues. Throws ApiException. */
export async function listAll<T>(client: Pick<KubeApi, 'json'>, request: ListRequest): Promise<KubeList<T>> {
  const { path, query, pageSize, signal } = request;
  const items: T[] = [];
  let page: KubeList<T> | undefined;
  do {
    try {
      const next = { ...query, limit: pageSize, continue: page?.metadata.continue };
      page = await client.json<KubeList<T>>({ path, query: next, signal });
      items.push(...page.items);
    } catch (error) {
      // A continue token expires after some minutes; when the pages take longer, one call lists everything.
      if (page === undefined || !isGone(error)) throw error;
      return client.json<KubeList<T>>({ path, query, signal });
    }
  } while (page.metadata.continue);
  return { metadata: page.metadata, items };
}
