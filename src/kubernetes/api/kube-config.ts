// Finds the cluster: a given kubeconfig, the usual places, or the pod’s service account.
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { LshError, type LshErrorOptions } from '../../core/errors.ts';
import { StrictKubeConfig } from './strict-kube-config.ts';

export interface KubeConfigChoice {
  /** Path of a kubeconfig; otherwise KUBECONFIG, ~/.kube/config or the pod’s service account. */
  kubeconfig?: string;
  /** Value of KUBECONFIG: a list of paths. Missing files are skipped; of two entries with one name the first counts. */
  kubeconfigEnv?: string;
  /** Name of a context in it; otherwise its current one. */
  context?: string;
}

// The library’s fallback when it finds no configuration.
const FALLBACK_SERVER = 'http://localhost:8080';

/**
 * Loads the configuration. Throws KUBECONFIG_MISSING if there is none, and KUBECONFIG_INVALID if it cannot be read,
 * lacks the context or its cluster, or impersonates by fields that lsh cannot send.
 */
export function loadKubeConfig({ kubeconfig, kubeconfigEnv = '', context }: KubeConfigChoice): KubeConfig {
  const config = readFiles(kubeconfig === undefined ? existingFiles(kubeconfigEnv) : [kubeconfig]);
  if (context !== undefined) {
    if (!config.getContextObject(context)) throw unknownContext(config, context);
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) throw invalid('its current context names no cluster');
  if (kubeconfig === undefined && cluster.server === FALLBACK_SERVER && cluster.name === 'cluster')
    throw new LshError('KUBECONFIG_MISSING', { detail: 'no kubeconfig was found' });
  if (config.unsentFields.length > 0) throw impersonationError(config);
  // The library refuses plain HTTP, such as a kubectl proxy, unless TLS verification is off.
  if (cluster.server.startsWith('http:')) {
    config.clusters = config.clusters.map((entry) =>
      entry === cluster ? { ...entry, skipTLSVerify: true } : entry,
    );
  }
  return config;
}

function existingFiles(kubeconfigEnv: string): string[] {
  const paths = kubeconfigEnv.split(delimiter).filter(Boolean);
  const found = paths.filter((path) => existsSync(path));
  // If no file exists, the error names the first path.
  return found.length > 0 ? found : paths;
}

function readFiles([file, ...more]: readonly string[]): StrictKubeConfig {
  const config = new StrictKubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    for (const path of more) {
      const other = new StrictKubeConfig();
      other.loadFromFile(path);
      config.addFrom(other);
    }
  } catch (thrown) {
    // Later lines of the message quote the file, maybe a token: the error keeps the first line only, and no cause.
    throw invalid((thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0]!);
  }
  return config;
}

/** Without these fields a call would have other rights than the file grants. */
function impersonationError(config: StrictKubeConfig): LshError {
  const fields = config.unsentFields.join(', ');
  const hint = 'Impersonate a user alone, with `as`, or give credentials that have these rights themselves.';
  return invalid(`its user "${config.getCurrentUser()?.name}" has ${fields}, which lsh cannot send`, {
    hint,
  });
}

function unknownContext(config: KubeConfig, context: string): LshError {
  const known = config.getContexts().map(({ name }) => name);
  const hint = known.length === 0 ? undefined : `Known contexts: ${known.join(', ')}.`;
  return invalid(`there is no context "${context}"`, { hint });
}

function invalid(detail: string, options: LshErrorOptions = {}): LshError {
  return new LshError('KUBECONFIG_INVALID', { detail }, options);
}
