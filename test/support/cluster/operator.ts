// Real `lsh controller` processes against the test’s API server, as the service account with the shipped rights.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import type { KubeObject } from '../../../src/kubernetes/api/objects.ts';
import { BUNDLE } from '../daemon/bundle.ts';
import type { KubeEnvironment } from './kube.ts';

export const OPERATOR_NAMESPACE = 'lsh-system';
const ACCOUNT = 'lsh-controller';

export interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
}

const COLLECTIONS: Record<string, (namespace: string) => string> = {
  ServiceAccount: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  ClusterRole: () => '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: () => '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  RoleBinding: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
};

/** The manifests of deploy/rbac. */
export function shippedRbac(): Manifest[] {
  const text = readFileSync('deploy/rbac/controller.yaml', 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** Creates or replaces the operator’s namespace, account and rights. */
export async function installRbac(
  admin: KubeClient,
  manifests: readonly Manifest[] = shippedRbac(),
): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OPERATOR_NAMESPACE } };
  await admin.json({ method: 'POST', path: '/api/v1/namespaces', body: namespace }).catch(() => undefined);
  for (const manifest of manifests) {
    const path = COLLECTIONS[manifest.kind]!(manifest.metadata.namespace ?? '');
    const created = await admin.json({ method: 'POST', path, body: manifest }).catch(() => undefined);
    if (created !== undefined || manifest.kind === 'ServiceAccount') continue;
    await admin.json({ method: 'PUT', path: `${path}/${manifest.metadata.name}`, body: manifest });
  }
}

/** A kubeconfig of a service account in the operator’s namespace, for this server or a proxy in front of it. */
export async function operatorKubeconfig(
  environment: KubeEnvironment,
  admin: KubeClient,
  server = environment.server,
  account = ACCOUNT,
): Promise<string> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  };
  const { status } = await admin.json<KubeObject & { status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts/${account}/token`,
    body,
  });
  const path = join(environment.dir, `${account}-${new URL(server).port}`);
  const cluster = { server, 'certificate-authority-data': Buffer.from(environment.caPem).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'operator', user: { token: status.token } }],
    contexts: [
      { name: 'test', context: { cluster: 'test', user: 'operator', namespace: OPERATOR_NAMESPACE } },
    ],
    'current-context': 'test',
  };
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

/** A Pod on a node with its own clock. */
export interface Pod {
  name: string;
  /** Milliseconds; negative for a clock that is behind. */
  clockAheadMs?: number;
}

export interface OperatorOptions {
  kubeconfig: string;
  /** Further options of `lsh controller`. */
  args?: readonly string[];
  /** The state directory. */
  stateDir: string;
  /** The Pod that the process believes to be in; default: none. */
  pod?: Pod;
  /** Further variables. */
  env?: Record<string, string>;
}

const POD = new URL('pod.ts', import.meta.url).href;

function podEnv({ name, clockAheadMs }: Pod): Record<string, string> {
  return {
    TEST_POD_NAME: name,
    ...(clockAheadMs !== undefined && { TEST_CLOCK_AHEAD_MS: String(clockAheadMs) }),
  };
}

/** One `lsh controller` process. */
export class Operator {
  readonly process: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly ended: Promise<[code: number | null, signal: string | null]>;
  readonly #waiting = new Set<() => void>();
  #stderr = '';

  constructor({ kubeconfig, args = [], stateDir, pod, env }: OperatorOptions) {
    const own = ['--kubeconfig', kubeconfig, '--http-port', '0', ...args];
    this.process = spawn(
      process.execPath,
      [...(pod ? ['--import', POD] : []), BUNDLE, 'controller', ...own],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          HOME: stateDir,
          LSH_STATE_DIR: stateDir,
          ...(pod && podEnv(pod)),
          ...env,
        },
      },
    );
    this.ended = once(this.process, 'exit') as typeof this.ended;
    createInterface(this.process.stdout!).on('line', (line) => {
      this.lines.push(JSON.parse(line) as LogLine);
      for (const look of this.#waiting) look();
    });
    this.process.stderr!.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
  }

  /** Resolves with the first past or future log line that matches; rejects if the process ends before. */
  async line(matches: (line: LogLine) => boolean): Promise<LogLine> {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const look = () => {
      const found = this.lines.find(matches);
      if (found) resolve(found);
    };
    this.#waiting.add(look);
    look();
    void this.ended.then(([code]) => reject(new Error(`the controller ended with ${code}: ${this.said()}`)));
    return promise.finally(() => this.#waiting.delete(look));
  }

  /** Resolves once the operator evaluates every schedule. */
  async leads(): Promise<this> {
    await this.line(({ msg }) => msg === 'every schedule is evaluated');
    return this;
  }

  /** The answer of an HTTP path. */
  async get(path: string): Promise<{ status: number; body: string }> {
    const { port } = await this.line(({ msg }) => msg === 'controller started');
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`);
    return { status: response.status, body: await response.text() };
  }

  /** The last log lines, for the message of a failure. */
  said(): string {
    const last = this.lines.slice(-20).map((line) => JSON.stringify(line));
    return [...last, this.#stderr].join('\n');
  }

  /** Sends the signal; resolves with the exit code or signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<[code: number | null, signal: string | null]> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
    return this.ended;
  }
}
