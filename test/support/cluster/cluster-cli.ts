// The built command line against a real API server: a namespace, and a kubeconfig for it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { lsh, lshOk, type CallOptions } from '../daemon/cli.ts';
import type { Ended } from '../daemon/daemon.ts';
import type { KubeEnvironment } from './kube.ts';

export interface ClusterCli {
  env: Record<string, string>;
  namespace: string;
  /** Runs `lsh … --cluster`; resolves with its exit status and output. */
  call: (args: string[], options?: CallOptions) => Promise<Ended>;
  /** The stdout of a call that must succeed. */
  ok: (args: string[], options?: CallOptions) => Promise<string>;
  /** The parsed output with `-o json`. */
  json: <T>(...args: string[]) => Promise<T>;
}

interface KubeconfigFile {
  users: { user: Record<string, string> }[];
  contexts: { context: { namespace?: string } }[];
}

/** A new namespace, with a kubeconfig of the administrator for it. */
export async function aNamespace(environment: KubeEnvironment, namespace: string): Promise<ClusterCli> {
  await createNamespace(await environment.client(), namespace);
  return cliWith(environment, namespace, (config) => config);
}

/** The same namespace for the user of a token. */
export function asBearer(
  environment: KubeEnvironment,
  namespace: string,
  token: string,
): Promise<ClusterCli> {
  return cliWith(environment, namespace, (config) => ({
    ...config,
    users: config.users.map((user) => ({ ...user, user: { token } })),
  }));
}

async function cliWith(
  environment: KubeEnvironment,
  namespace: string,
  change: (config: KubeconfigFile) => KubeconfigFile,
): Promise<ClusterCli> {
  const config = change(parse(await readFile(await environment.kubeconfig(), 'utf8')) as KubeconfigFile);
  for (const { context } of config.contexts) context.namespace = namespace;
  const user = config.users[0]!.user['token'] ?? 'admin';
  const file = join(environment.dir, `kubeconfig-${namespace}-${user.slice(-8)}`);
  await writeFile(file, stringify(config), { mode: 0o600 });
  const env = { PATH: process.env['PATH'] ?? '', HOME: environment.dir, KUBECONFIG: file, TZ: 'UTC' };
  return {
    env,
    namespace,
    call: (args, options) => lsh({ env }, inCluster(args), options),
    ok: (args, options) => lshOk({ env }, inCluster(args), options),
    json: async <T>(...args: string[]) =>
      JSON.parse(await lshOk({ env }, inCluster([...args, '-o', 'json']))) as T,
  };
}

function inCluster(args: string[]): string[] {
  const end = args.indexOf('--');
  return args.toSpliced(end < 0 ? args.length : end, 0, '--cluster');
}

export async function createNamespace(client: KubeClient, name: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  await client.json({ path: '/api/v1/namespaces', method: 'POST', body });
}
