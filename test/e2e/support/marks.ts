// Proof of executions: each shell run appends one line to a file in a volume that outlives its pod.
import { stringify } from 'yaml';
import { onNode } from './on-node.ts';

const DIRECTORY = '/var/lib/lsh-e2e-marks';
const NAME = 'marks';

export class Marks {
  readonly mount = { name: NAME, mountPath: `/${NAME}` };
  readonly podVolume;
  readonly command = `echo "$LSH_JOB $LSH_RUN $LSH_SLOT" >> /${NAME}/runs`;
  readonly #name: string;

  /** One volume per test file: Kubernetes never binds a volume again after the deletion of its claim. */
  constructor(file: string) {
    this.#name = `${NAME}-${file}`;
    this.podVolume = { name: NAME, persistentVolumeClaim: { claimName: this.#name } };
    onNode(`mkdir -p ${DIRECTORY} && chmod 777 ${DIRECTORY} && rm -f ${DIRECTORY}/runs`);
  }

  /** Manifests of a hostPath volume and its claim. */
  volume(namespace: string): string[] {
    const storage = '1Gi';
    const modes = { accessModes: ['ReadWriteMany'], storageClassName: this.#name };
    const documents = [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: this.#name },
        spec: { ...modes, capacity: { storage }, hostPath: { path: DIRECTORY } },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: this.#name, namespace },
        spec: { ...modes, resources: { requests: { storage } } },
      },
    ];
    return documents.map((document) => stringify(document, { aliasDuplicateObjects: false }));
  }

  /** Executions by the name of their LshJob. */
  read(): Map<string, { run: string; slot: number }[]> {
    const lines = onNode(`cat ${DIRECTORY}/runs 2>/dev/null || true`).split('\n');
    const words = lines.map((line) => line.split(' ')).filter(({ length }) => length === 3);
    const marks = words.map(([job = '', run = '', slot = '']) => ({
      job,
      run,
      slot: Date.parse(slot),
    }));
    return Map.groupBy(marks, ({ job }) => job);
  }
}
