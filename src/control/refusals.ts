// The jobs that their runner refuses for good, such as one whose Kubernetes Job the API server finds invalid. The runner is
// asked once for each version of a spec: an answer costs a request.
import type { LshError } from '../core/errors.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { Runner } from './ports.ts';

interface Asked {
  uid: string;
  generation: number;
  refusal: LshError | undefined;
}

export class Refusals {
  readonly #asked = new Map<JobKey, Asked>();

  /** Asks about a version that no process has found ready yet; undefined if there is nothing to ask. */
  ask(job: Job, runner: Pick<Runner, 'check'> | undefined): Promise<void> | undefined {
    if (job.invalid !== undefined || job.terminating || wasReady(job)) return undefined;
    if (this.#answerOn(job) !== undefined) return undefined;
    const { key, uid, generation } = job;
    return runner?.check?.(job).then((refusal) => {
      this.#asked.set(key, { uid, generation, refusal });
    });
  }

  of(job: Job): LshError | undefined {
    return this.#answerOn(job)?.refusal;
  }

  forget(key: JobKey): void {
    this.#asked.delete(key);
  }

  #answerOn({ key, uid, generation }: Job): Asked | undefined {
    const asked = this.#asked.get(key);
    return asked?.uid === uid && asked.generation === generation ? asked : undefined;
  }
}

function wasReady({ generation, status }: Job): boolean {
  const ready = status?.conditions.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === generation;
}
