// Which cluster: a kubeconfig file, the usual places, or the pod’s service account.
import { KubeConfig } from '@kubernetes/client-node';
import { LshError, type LshErrorOptions } from '../core/errors.ts';

export interface KubeConfigChoice {
  /** Path of a kubeconfig; otherwise KUBECONFIG, ~/.kube/config or the pod’s service account. */
  kubeconfig?: string;
  /** Name of a context in it; otherwise its current one. */
  context?: string;
}

// What the library falls back to when it finds no configuration at all.
const FALLBACK_SERVER = 'http://localhost:8080';

/** Loads the configuration; KUBECONFIG_MISSING where there is none, KUBECONFIG_INVALID where it lacks the context. */
export function loadKubeConfig({ kubeconfig, context }: KubeConfigChoice): KubeConfig {
  const config = read(kubeconfig);
  if (context !== undefined) {
    if (!config.getContextObject(context)) throw unknownContext(config, context);
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) throw invalid('its current context names no cluster');
  if (kubeconfig === undefined && cluster.server === FALLBACK_SERVER && cluster.name === 'cluster')
    throw new LshError('KUBECONFIG_MISSING', { detail: 'no kubeconfig was found' });
  // The library refuses plain HTTP, such as a kubectl proxy, unless told that there is no TLS to verify.
  if (cluster.server.startsWith('http:')) {
    config.clusters = config.clusters.map((one) => (one === cluster ? { ...one, skipTLSVerify: true } : one));
  }
  return config;
}

function read(kubeconfig: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  return config;
}

function unknownContext(config: KubeConfig, context: string): LshError {
  const known = config.getContexts().map(({ name }) => name);
  const hint = known.length === 0 ? undefined : `The contexts there are: ${known.join(', ')}.`;
  return invalid(`there is no context "${context}"`, { hint });
}

function invalid(detail: string, options: LshErrorOptions = {}): LshError {
  return new LshError('KUBECONFIG_INVALID', { detail }, options);
}
