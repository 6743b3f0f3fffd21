// The Pods of the operators, which are the hosts of shell runs.
import type { V1Pod } from '@kubernetes/client-node';
import type { Logger } from '../../control/ports.ts';
import { describeError, isNotFound } from '../api/api-errors.ts';
import type { KubeClient } from '../api/client.ts';
import type { Wire } from '../api/objects.ts';
import { hostName, hostPod } from '../objects/host.ts';

type Pod = Wire<V1Pod>;

export interface HostPodsOptions {
  client: Pick<KubeClient, 'json'>;
  /** This process's own Pod, if it is in one, as `Run.host` names it. */
  own: string;
  logger: Logger;
}

/** The Deployment puts this hash of its template into the names of its Pods. */
const HASH_LABEL = 'pod-template-hash';

export class HostPods {
  readonly #options: HostPodsOptions;

  constructor(options: HostPodsOptions) {
    this.#options = options;
  }

  /**
   * Whether the host was a Pod of the same Deployment and has ended, with all its containers. False if that is not
   * known, such as for a controller outside the cluster.
   */
  async isGone(host: string): Promise<boolean> {
    return this.#ask(async () => {
      const pod = await this.#read(host);
      if (pod !== undefined) return hasEnded(pod);
      const prefix = prefixOf(await this.#read(this.#options.own));
      return prefix !== undefined && host.startsWith(prefix);
    });
  }

  /** Whether this process's own Pod is being deleted. */
  async isLeaving(): Promise<boolean> {
    return this.#ask(
      async () => (await this.#read(this.#options.own))?.metadata?.deletionTimestamp !== undefined,
    );
  }

  async #ask(question: () => Promise<boolean>): Promise<boolean> {
    try {
      return await question();
    } catch (error) {
      this.#options.logger.debug({ error: describeError(error) }, 'a Pod of the operator was not read');
      return false;
    }
  }

  async #read(host: string): Promise<Pod | undefined> {
    const pod = hostPod(host);
    if (pod === undefined) return undefined;
    try {
      const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;
      return await this.#options.client.json<Pod>({ path });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** A kubelet may report the phase before the last container has ended. */
function hasEnded({ status }: Pod): boolean {
  const { phase, containerStatuses = [] } = status ?? {};
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  return isOver && containerStatuses.every(({ state }) => state?.running === undefined);
}

/** What the hosts of all Pods of its Deployment begin with. */
function prefixOf(pod: Pod | undefined): string | undefined {
  const { namespace = '', generateName, labels } = pod?.metadata ?? {};
  const suffix = `${labels?.[HASH_LABEL] ?? ''}-`;
  return generateName?.endsWith(suffix)
    ? hostName(namespace, generateName.slice(0, -suffix.length))
    : undefined;
}
