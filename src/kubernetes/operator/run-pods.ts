// What the Pods of unfinished Kubernetes Jobs show: since when the command runs, or why it does not. The reason is in
// the status of the Pod, or in the Events of the Pod or, before there is one, of the Job. Events are read only for runs
// that wait for long: a server finds them by a walk through all Events of the namespace.
import type { Clock } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import { jobKey } from '../../core/naming.ts';
import { statusCode } from '../api/api-errors.ts';
import type { KubeApi } from '../api/fence.ts';
import type { KubeList, KubeObject } from '../api/objects.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import { creationProblem, creationRefusal, NO_POD_MESSAGE, type KubeEvent } from '../objects/events.ts';
import { hadPod, isSuspended, type KubeJob } from '../objects/kube-job-run.ts';
import type { Pod } from '../objects/pod.ts';
import { JOB_LABEL, RUN_LABEL } from '../objects/kube-job.ts';
import { commandStart, stuckMessage } from '../objects/pod.ts';
import { FailedCreations } from './failed-creations.ts';
import type { Lookups } from './lookups.ts';

/** A run that waits for this long is asked about, milliseconds: most Pods start within it. */
const LOOK_AFTER_MS = 10_000;
/**
 * Shortest time between two reads of the Events of a run, milliseconds. Before the second read, a run without a Pod and
 * without an Event is not stuck: after a burst, the Job controller takes that long to create a Pod for each Job.
 */
const LOOK_AGAIN_MS = 60_000;
const LIST_TIMEOUT_MS = 10_000;

/** The state of the Pod of an unfinished run. */
export interface PodState {
  /** When the command began; undefined before that. */
  startedAt?: number;
  /** As in RunObservation. */
  limit?: { ms: number; forMs: number };
  /** As in RunObservation. */
  stuck?: { message?: string; forMs: number };
  /** There never was a Pod. */
  isWithoutPod?: true;
}

interface SeenPod {
  pod: Pod;
  /**
   * Monotonic milliseconds at which its command was first seen to run: another machine writes the time inside the Pod,
   * and our wall clock may be set. A restart starts again at 0, so a time is never too long.
   */
  runningSince: number | undefined;
}

/** A run whose command has not begun. */
interface Wait {
  /** Its Pod, or its Kubernetes Job while it has no Pod: the object whose Events are read. */
  object: KubeObject;
  /** What they say. */
  eventText?: string;
  /** Whether they were read. */
  wasRead?: true;
  /** Monotonic milliseconds since when the run has no Pod, or its Pod has a problem. */
  since?: number;
  /** Monotonic milliseconds from when the Events are worth another read. */
  lookAt: number;
  cancel: () => void;
}

export interface RunPodsOptions {
  api: KubeApi;
  pods: NamespacedInformer<Pod>;
  lookups: Lookups;
  clock: Clock;
}

export class RunPods {
  readonly #options: RunPodsOptions;
  readonly #listener: (key: JobKey) => void;
  /** The newest unfinished Pod of each run. */
  readonly #pods = new Map<string, SeenPod>();
  readonly #waits = new Map<string, Wait>();
  readonly #failedCreations: FailedCreations;

  /** The listener gets the key of a job when a command begins, and when a problem appears, changes or ends. */
  constructor(options: RunPodsOptions, listener: (key: JobKey) => void) {
    this.#options = options;
    this.#failedCreations = new FailedCreations(options.api);
    this.#listener = listener;
    options.pods.onChange(({ type, object }) => {
      const id = runId(object);
      const before = this.#summary(id);
      const isAwaited = type === 'Added' && this.#waits.get(id)?.eventText !== undefined;
      if (type !== 'Deleted') this.#record(id, object);
      else if (this.#pods.get(id)?.pod.metadata.uid === object.metadata.uid) this.#pods.delete(id);
      // A Pod that has ended says nothing more: the Kubernetes Job does.
      if (type !== 'Deleted' && (isAwaited || this.#summary(id) !== before)) this.#announce(object);
    });
  }

  /** Watches over an unfinished Kubernetes Job from now on. */
  of(kubeJob: KubeJob): PodState {
    const id = runId(kubeJob);
    const seen = this.#pods.get(id);
    if (seen === undefined) return hadPod(kubeJob) ? {} : this.#withoutPod(id, kubeJob);
    const startedAt = commandStart(seen.pod);
    if (startedAt === undefined) return this.#beforeStart(id, seen.pod);
    this.forget(kubeJob);
    return { startedAt, limit: this.#limitOf(seen) };
  }

  /** The Pod of the run, if the command in it has begun. */
  running(kubeJob: KubeJob): Pod | undefined {
    const pod = this.#pods.get(runId(kubeJob))?.pod;
    return pod && commandStart(pod) !== undefined ? pod : undefined;
  }

  /** The Kubernetes Job has ended or is gone. */
  forget(kubeJob: KubeJob): void {
    const id = runId(kubeJob);
    this.#waits.get(id)?.cancel();
    this.#waits.delete(id);
  }

  /** Cancels every scheduled read. */
  close(): void {
    for (const { cancel } of this.#waits.values()) cancel();
    this.#waits.clear();
  }

  #record(id: string, pod: Pod): void {
    const known = this.#pods.get(id);
    const runningSince = known?.pod.metadata.uid === pod.metadata.uid ? known.runningSince : undefined;
    const isRunning = commandStart(pod) !== undefined;
    this.#pods.set(id, {
      pod,
      runningSince: runningSince ?? (isRunning ? this.#options.clock.monotonic() : undefined),
    });
  }

  #limitOf({ pod, runningSince }: SeenPod): PodState['limit'] {
    const seconds = pod.spec?.activeDeadlineSeconds;
    if (seconds === undefined || runningSince === undefined) return undefined;
    return { ms: seconds * 1000, forMs: this.#options.clock.monotonic() - runningSince };
  }

  #withoutPod(id: string, kubeJob: KubeJob): PodState {
    if (!isSuspended(kubeJob)) {
      const wait = this.#waitFor(id, kubeJob);
      return { isWithoutPod: true, stuck: this.#stuck(id, wait, { isStuck: true, message: wait.eventText }) };
    }
    // A queue holds it back for as long as it wants.
    this.forget(kubeJob);
    return { isWithoutPod: true };
  }

  #beforeStart(id: string, pod: Pod): PodState {
    const wait = this.#waitFor(id, pod);
    const message = stuckMessage(pod) ?? wait.eventText;
    return { stuck: this.#stuck(id, wait, { isStuck: message !== undefined, message }) };
  }

  #stuck(
    id: string,
    wait: Wait,
    { isStuck, message }: { isStuck: boolean; message?: string },
  ): PodState['stuck'] {
    const now = this.#options.clock.monotonic();
    if (now >= wait.lookAt) this.#look(id, wait);
    wait.since = isStuck ? (wait.since ?? now) : undefined;
    return wait.since === undefined ? undefined : { message, forMs: now - wait.since };
  }

  #waitFor(id: string, object: KubeObject): Wait {
    const known = this.#waits.get(id);
    if (known?.object.metadata.uid === object.metadata.uid) return known;
    known?.cancel();
    const { clock } = this.#options;
    const wait: Wait = { object, lookAt: clock.monotonic() + LOOK_AFTER_MS, cancel: () => {} };
    this.#lookIn(LOOK_AFTER_MS, id, wait);
    this.#waits.set(id, wait);
    return wait;
  }

  #lookIn(ms: number, id: string, wait: Wait): void {
    const { clock } = this.#options;
    wait.cancel = clock.at(clock.now() + ms, () => this.#look(id, wait));
  }

  #look(id: string, wait: Wait): void {
    const { object } = wait;
    const pod = this.#pods.get(id)?.pod;
    // Its status says enough.
    if (pod !== undefined && stuckMessage(pod) !== undefined) return;
    const { uid, labels = {} } = object.metadata;
    const subject = { key: keyOf(object), run: labels[RUN_LABEL] ?? '', id: uid };
    this.#options.lookups.start(subject, async () => {
      const eventText =
        pod === undefined
          ? (creationRefusal(await readable(this.#failedCreations.of(object))) ?? this.#silence(id, wait))
          : creationProblem(await readable(this.#eventsOf(object)));
      wait.wasRead = true;
      wait.lookAt = this.#options.clock.monotonic() + LOOK_AGAIN_MS;
      if (eventText === wait.eventText) return;
      wait.eventText = eventText;
      this.#announce(object);
    });
  }

  /** What a run without a Pod and without an Event shows: at the first read nothing yet. */
  #silence(id: string, wait: Wait): string | undefined {
    if (wait.wasRead) return NO_POD_MESSAGE;
    if (this.#waits.get(id) === wait) this.#lookIn(LOOK_AGAIN_MS, id, wait);
    return undefined;
  }

  async #eventsOf({ metadata: { namespace, uid } }: KubeObject): Promise<KubeEvent[]> {
    const { items } = await this.#options.api.json<KubeList<KubeEvent>>({
      path: `/api/v1/namespaces/${namespace}/events`,
      query: { fieldSelector: `involvedObject.uid=${uid}` },
      signal: AbortSignal.timeout(LIST_TIMEOUT_MS),
    });
    return items;
  }

  /** The facts of a Pod that an evaluation depends on. */
  #summary(id: string): string {
    const pod = this.#pods.get(id)?.pod;
    return pod === undefined ? '' : `${commandStart(pod) ?? ''} ${stuckMessage(pod) ?? ''}`.trim();
  }

  #announce(object: KubeObject): void {
    this.#listener(keyOf(object));
  }
}

/** The Events; none without the right to read them: the reason is missing then, the rest of the run’s state is not. */
async function readable(events: Promise<KubeEvent[]>): Promise<KubeEvent[]> {
  try {
    return await events;
  } catch (error) {
    if (statusCode(error) === 403) return [];
    throw error;
  }
}

function runId({ metadata: { namespace = '', labels = {} } }: KubeObject): string {
  return `${namespace}/${labels[RUN_LABEL]}`;
}

function keyOf({ metadata: { namespace = '', labels = {} } }: KubeObject): JobKey {
  return jobKey(namespace, labels[JOB_LABEL] ?? '');
}
