// Which cluster: a kubeconfig file, the usual places, or the pod’s service account.
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { LshError, type LshErrorOptions } from '../../core/errors.ts';
import { StrictKubeConfig } from './strict-kube-config.ts';

export interface KubeConfigChoice {
  /** Path of a kubeconfig; otherwise KUBECONFIG, ~/.kube/config or the pod’s service account. */
  kubeconfig?: string;
  /** Value of KUBECONFIG: paths, of whose entries of one name the first counts. Those of no file are passed over. */
  searched?: string;
  /** Name of a context in it; otherwise its current one. */
  context?: string;
}

// What the library falls back to when it finds no configuration at all.
const FALLBACK_SERVER = 'http://localhost:8080';

/** Loads the configuration; KUBECONFIG_MISSING where there is none, KUBECONFIG_INVALID where it lacks the context. */
export function loadKubeConfig({ kubeconfig, searched = '', context }: KubeConfigChoice): KubeConfig {
  const config = read(kubeconfig === undefined ? filesIn(searched) : [kubeconfig]);
  if (context !== undefined) {
    if (!config.getContextObject(context)) throw unknownContext(config, context);
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) throw invalid('its current context names no cluster');
  if (kubeconfig === undefined && cluster.server === FALLBACK_SERVER && cluster.name === 'cluster')
    throw new LshError('KUBECONFIG_MISSING', { detail: 'no kubeconfig was found' });
  if (config.neverSent.length > 0) throw impersonates(config);
  // The library refuses plain HTTP, such as a kubectl proxy, unless told that there is no TLS to verify.
  if (cluster.server.startsWith('http:')) {
    config.clusters = config.clusters.map((one) => (one === cluster ? { ...one, skipTLSVerify: true } : one));
  }
  return config;
}

function filesIn(searched: string): string[] {
  const paths = searched.split(delimiter).filter(Boolean);
  const found = paths.filter((path) => existsSync(path));
  // Of none at all the first is named in the error.
  return found.length > 0 ? found : paths;
}

function read([file, ...more]: readonly string[]): StrictKubeConfig {
  const config = new StrictKubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    for (const path of more) {
      const other = new StrictKubeConfig();
      other.loadFromFile(path);
      config.adopt(other);
    }
  } catch (thrown) {
    // What follows the first line are lines of the file, and one of them may be a token: hence no cause either.
    throw invalid((thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0]!);
  }
  return config;
}

/** Without what it impersonates by, a call would have other rights than it should. */
function impersonates(config: StrictKubeConfig): LshError {
  const fields = config.neverSent.join(', ');
  const hint = 'Impersonate a user alone, with `as`, or give credentials that have these rights themselves.';
  return invalid(`its user "${config.getCurrentUser()?.name}" has ${fields}, which lsh cannot send`, {
    hint,
  });
}

function unknownContext(config: KubeConfig, context: string): LshError {
  const known = config.getContexts().map(({ name }) => name);
  const hint = known.length === 0 ? undefined : `The contexts there are: ${known.join(', ')}.`;
  return invalid(`there is no context "${context}"`, { hint });
}

function invalid(detail: string, options: LshErrorOptions = {}): LshError {
  return new LshError('KUBECONFIG_INVALID', { detail }, options);
}
