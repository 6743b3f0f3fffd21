// The cluster with real pods for tests: kubectl, helm and lsh against it, and a memory of every state of LshJobs, Jobs
// and Pods that its watches have delivered. Tests wait for events of these watches.
import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import { inject } from 'vitest';
import { stringify } from 'yaml';
import { CHART, findHelm } from '../../../scripts/chart/helm.ts';
import { TOOLS_IMAGE } from '../../../scripts/cluster/addresses.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { Informer } from '../../../src/kubernetes/api/watch/informer.ts';
import { JOB_LABEL, RUN_LABEL, SLOT_ANNOTATION } from '../../../src/kubernetes/objects/kube-job.ts';
import type { KubeObject } from '../../../src/kubernetes/api/objects.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { isOwnedBy, type KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import type { OutcomeEntry } from '../../../src/kubernetes/objects/lsh-job-outcomes.ts';
import type { RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { BUNDLE } from '../../support/daemon/bundle.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import type { Account } from '../../support/cluster/ledger-check.ts';
import { onNode } from './on-node.ts';

/** Ends a failed test; much longer than a busy machine needs. */
const WAIT_MS = 300_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
export const RELEASE = { name: 'lsh', namespace: 'lsh-system' };
/** Namespace of the tests' LshJobs. */
export const TEAM = 'team';

/** Tag of the image from `npm run e2e`. */
const TAG = 'e2e';
export const LSH_IMAGE = `ghcr.io/lsh-dev/lsh:${TAG}`;

/** The node holds the image, so the kubelet never pulls it. */
const VALUES = {
  image: { tag: TAG, pullPolicy: 'Never' },
  controller: { jobImage: TOOLS_IMAGE },
  shell: { namespaces: [TEAM] },
};

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string; leaseTransitions?: number };
}

export class RealCluster {
  readonly kubeconfig = inject('kubeconfig');
  readonly client: KubeClient;
  readonly #lshJobs: Informer<LshJob>;
  readonly #jobs: Informer<KubeJob>;
  readonly #pods: Informer<Pod>;
  readonly #leases: Informer<Lease>;
  readonly #runs = new Map<string, Map<string, RunEntry>>();
  readonly #outcomes = new Map<string, Map<string, OutcomeEntry>>();
  /** Every Job and Pod so far, in its newest version, by uid. */
  readonly jobsSeen = new Map<string, KubeJob>();
  readonly podsSeen = new Map<string, Pod>();
  /** Holders of the lease in order; empty for a release of the lease. */
  readonly holders: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.client = new KubeClient({
      load: () => {
        const config = new KubeConfig();
        config.loadFromFile(this.kubeconfig);
        return config;
      },
      userAgent: 'lsh-e2e',
    });
    this.#lshJobs = this.#informer<LshJob>(lshJobPath(), (object) => this.#remember(object));
    this.#jobs = this.#informer<KubeJob>('/apis/batch/v1/jobs', (job) =>
      this.jobsSeen.set(job.metadata.uid, job),
    );
    this.#pods = this.#informer<Pod>('/api/v1/pods', (pod) => this.podsSeen.set(pod.metadata.uid, pod));
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${RELEASE.namespace}/leases`;
    this.#leases = this.#informer<Lease>(leases, ({ spec }) => {
      const holder = spec?.holderIdentity ?? '';
      if (holder !== this.holders.at(-1)) this.holders.push(holder);
    });
  }

  /** Applies the needed manifests, installs or upgrades the release with these values, and starts the watches. */
  async start(values: object = {}, needed: readonly string[] = []): Promise<void> {
    const manifests = [...namespaces(), ...needed].join('---\n');
    await this.kubectlWith(manifests, 'apply', '-f', '-');
    await this.release(values);
    for (const informer of [this.#lshJobs, this.#jobs, this.#pods, this.#leases]) {
      informer.start();
      await informer.synced();
    }
  }

  /** Deletes left LshJobs, which would disturb the next test file, and stops the watches. */
  async stop(): Promise<void> {
    await this.kubectl('delete', 'lj', '--all', '--namespace', TEAM);
    for (const informer of [this.#lshJobs, this.#jobs, this.#pods, this.#leases]) await informer.stop();
    await this.client.close();
  }

  kubectl(...args: string[]): Promise<string> {
    return this.#call('kubectl', args);
  }

  /** Calls kubectl with the input as stdin. */
  kubectlWith(input: string, ...args: string[]): Promise<string> {
    return this.#call('kubectl', args, input);
  }

  /** Runs kubectl until its output contains the text, then stops it. Resolves with the output. */
  async untilPrinted(wanted: string, ...args: string[]): Promise<string> {
    const child = spawn('kubectl', args, { env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        if (printed.includes(wanted)) resolve(printed);
      });
    child.once('exit', () => reject(new Error(`kubectl ${args.join(' ')} has ended: ${printed}`)));
    return promise.finally(() => child.kill());
  }

  /** Installs or upgrades the release and waits until its pods are ready. */
  async release(values: object, chart: string = CHART): Promise<void> {
    const { name, namespace } = RELEASE;
    const options = ['--namespace', namespace, '--values=-', '--wait', '--timeout=4m'];
    const input = stringify({ ...VALUES, ...values });
    await this.helm(['upgrade', '--install', name, chart, ...options], input);
  }

  helm(args: string[], input = ''): Promise<string> {
    return this.#call(findHelm() ?? 'helm', args, input);
  }

  /** Calls `lsh … --cluster` in the team's namespace. */
  lsh(...args: string[]): Promise<string> {
    return this.#call(process.execPath, lshWords(args));
  }

  /** The process of `lsh … --cluster` in the team's namespace. */
  lshProcess(...args: string[]): ChildProcessByStdio<null, Readable, Readable> {
    return spawn(process.execPath, lshWords(args), {
      env: this.#env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async create(name: string, spec: JobSpecInput): Promise<LshJob> {
    const body = { apiVersion: 'lsh.dev/v1alpha1', kind: 'LshJob', metadata: { name }, spec };
    return this.client.json<LshJob>({ method: 'POST', path: lshJobPath(TEAM), body });
  }

  async patch(name: string, body: object): Promise<LshJob> {
    return this.client.json<LshJob>({
      method: 'PATCH',
      path: lshJobPath(TEAM, name),
      contentType: 'application/merge-patch+json',
      body,
    });
  }

  async remove(...names: string[]): Promise<void> {
    for (const name of names) await this.client.request({ method: 'DELETE', path: lshJobPath(TEAM, name) });
  }

  get(name: string): LshJob | undefined {
    return this.#lshJobs.get(`${TEAM}/${name}`);
  }

  /** Every run that a status of the LshJob has ever shown, oldest first, in its newest version. */
  runsOf(name: string): RunEntry[] {
    const runs = [...(this.#runs.get(name)?.values() ?? [])];
    return runs.toSorted(
      (a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt) || a.attempt - b.attempt,
    );
  }

  outcomesOf(name: string): OutcomeEntry[] {
    return [...(this.#outcomes.get(name)?.values() ?? [])];
  }

  /** Resolves with the first present or future run that matches. */
  untilRun(name: string, wanted: (run: RunEntry) => boolean): Promise<RunEntry> {
    return this.until(`a run of ${name}`, () => this.runsOf(name).find(wanted));
  }

  /** Existing Kubernetes Jobs of the LshJob. */
  jobsOf(name: string): KubeJob[] {
    return [...this.#jobs.values()].filter(
      ({ metadata }) => metadata.namespace === TEAM && metadata.labels?.[JOB_LABEL] === name,
    );
  }

  /** Resolves with the first value that is not undefined; calls `look` again after each event of a watch. */
  async until<T>(what: string, look: () => T | undefined, withinMs = WAIT_MS): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const again = () => {
      const value = look();
      if (value !== undefined) resolve(value);
    };
    this.#waiting.add(again);
    again();
    const limit = AbortSignal.timeout(withinMs);
    const giveUp = () => reject(new Error(`timed out waiting for ${what}`));
    limit.addEventListener('abort', giveUp);
    return promise.finally(() => {
      limit.removeEventListener('abort', giveUp);
      this.#waiting.delete(again);
    });
  }

  /** Whether the Pod is still there. */
  has({ metadata: { uid } }: Pod): boolean {
    return [...this.#pods.values()].some(({ metadata }) => metadata.uid === uid);
  }

  /** Pods of the release that are not being deleted. */
  operators(): Pod[] {
    return [...this.#pods.values()].filter(
      ({ metadata }) =>
        metadata.namespace === RELEASE.namespace &&
        metadata.labels?.['app.kubernetes.io/name'] === 'lsh' &&
        metadata.labels['app.kubernetes.io/component'] === 'controller' &&
        metadata.deletionTimestamp === undefined,
    );
  }

  /** Resolves with the pod of a release with one replica when no other pod of it is left. */
  operator(): Promise<Pod> {
    return this.until('one operator', () => {
      const [pod, ...rest] = this.operators();
      return rest.length === 0 ? pod : undefined;
    });
  }

  /** Runs a command in a container of the operator's pod. Resolves with its output. */
  async inContainer(container: string, ...command: string[]): Promise<string> {
    const { name } = (await this.operator()).metadata;
    const where = ['--namespace', RELEASE.namespace, '--container', container];
    return this.kubectl('exec', name, ...where, '--', ...command);
  }

  /** The pod of the operator that holds the lease. */
  leader(): Pod | undefined {
    const [lease] = [...this.#leases.values()];
    const holder = lease?.spec?.holderIdentity ?? '';
    return this.operators().find(({ metadata }) => holder !== '' && holder.startsWith(metadata.name));
  }

  /** Number of changes of the lease's holder. */
  transitions(): number {
    const [lease] = [...this.#leases.values()];
    return lease?.spec?.leaseTransitions ?? 0;
  }

  /** Kills the controller process of the pod, on the node. Returns the pids that it has killed. */
  killController({ metadata }: Pod): string[] {
    // Some cgroup drivers write the uid with underscores.
    const uid = metadata.uid.replaceAll('-', '[-_]');
    const script = `for process in /proc/[0-9]*; do
      grep -qs '${uid}' $process/cgroup || continue
      tr '\\0' ' ' < $process/cmdline | grep -q '^node.* controller' || continue
      kill -9 "\${process#/proc/}" && echo "\${process#/proc/}"
    done; true`;
    return onNode(script)
      .split('\n')
      .filter((pid) => pid !== '');
  }

  /** Everything that the watches have shown of an LshJob with a slot each second, up to and including `until`. */
  accountOf(object: LshJob, until: number): Account {
    const { name, uid } = object.metadata;
    const executions = [...this.jobsSeen.values()]
      .filter((job) => isOwnedBy(job, uid))
      .map(({ metadata }) => ({
        run: metadata.labels?.[RUN_LABEL] ?? metadata.name,
        slot: Date.parse(metadata.annotations?.[SLOT_ANNOTATION] ?? ''),
      }));
    return {
      name,
      after: Date.parse(object.metadata.creationTimestamp),
      until,
      runs: this.runsOf(name),
      outcomes: this.outcomesOf(name),
      executions,
      status: this.get(name)?.status,
    };
  }

  #informer<T extends KubeObject>(path: string, remember: (object: T) => unknown): Informer<T> {
    const informer = new Informer<T>({ client: this.client, logger: keptLogger(), path });
    informer.onChange(({ object }) => {
      remember(object);
      for (const again of this.#waiting) again();
    });
    return informer;
  }

  #remember({ metadata, status }: LshJob): void {
    const runs = this.#runs.get(metadata.name) ?? new Map<string, RunEntry>();
    const outcomes = this.#outcomes.get(metadata.name) ?? new Map<string, OutcomeEntry>();
    this.#runs.set(metadata.name, runs);
    this.#outcomes.set(metadata.name, outcomes);
    for (const run of [...(status?.active ?? []), ...(status?.recentRuns ?? [])]) runs.set(run.name, run);
    for (const outcome of status?.recentOutcomes ?? []) outcomes.set(outcome.from, outcome);
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig, TZ: 'UTC' };
  }

  #call(program: string, args: string[], input = ''): Promise<string> {
    const env = this.#env();
    return new Promise((resolve, reject) => {
      const child = execFile(program, args, { env, maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${program} ${args.join(' ')}: ${stderr}${stdout}`));
        else resolve(stdout);
      });
      child.stdin?.end(input);
    });
  }
}

function lshWords(args: string[]): string[] {
  const end = args.indexOf('--');
  const cluster = ['--cluster', '--namespace', TEAM];
  return [BUNDLE, ...args.toSpliced(end < 0 ? args.length : end, 0, ...cluster)];
}

/** The LshJob document in the README. */
export function readmeDocument(): string {
  const [, document] =
    /```yaml\n(apiVersion: lsh\.dev[^`]*)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
  if (document === undefined) throw new Error('the README has no document of an LshJob');
  return document;
}

/** The restricted profile applies on servers that know PodSecurity. */
function namespaces(): string[] {
  const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const namespace = (name: string, labels: object) =>
    stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  return [namespace(RELEASE.namespace, restricted), namespace(TEAM, {})];
}
