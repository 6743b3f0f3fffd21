// The whole output of a shell run, from the runner in the operator’s pod: what `lsh runner logs` prints there. Loaded only
// for such a run.
import { isNotFound, statusCode } from '../api/api-errors.ts';
import { exec, ExecFailure } from '../api/exec.ts';
import { splitKey } from '../../core/naming.ts';
import { EXIT } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { hostPod, type HostPod } from '../objects/host.ts';
import type { Scope } from './api-calls.ts';
import { resumed } from './resumed.ts';

/** The container of `lsh runner` in the operator’s pod. */
const CONTAINER = 'shell';

export interface ShellLogOptions {
  /** Continue until the run has ended. */
  follow: boolean;
  signal: AbortSignal;
  /** Whether the ledger shows the run as active. */
  isActive: () => Promise<boolean>;
}

/** The pod does not give the output, or not all of it. The message says why, as a part of a sentence. */
export class ShellLogFailure extends Error {}

/** Yields nothing if the runner has no output of the run. Throws ShellLogFailure. */
export async function* shellLog(
  { client }: Scope,
  run: Run,
  { follow, signal, isActive }: ShellLogOptions,
): AsyncGenerator<Uint8Array> {
  const pod = hostPod(run.host);
  if (pod === undefined) throw new ShellLogFailure('it does not say in which pod it is');
  const { namespace, name } = pod;
  const command = logCommand(run, follow);
  yield* resumed({
    open: () => exec(client.config, { namespace, pod: name, container: CONTAINER, command, signal }),
    // The claim is recorded before the runner knows the run, so it may know nothing yet.
    goesOn: async (bytes) => bytes === 0 && (await isActive()),
    isFinal: (error) => (statusCode(error) ?? 500) < 500 || error instanceof ExecFailure,
    failure: (error) => new ShellLogFailure(reasonOf(error, pod), { cause: error }),
    follow,
    signal,
  });
}

/** `--until-eof`: the command ends with the connection, and so with its reader. */
function logCommand({ job, name }: Run, follow: boolean): string[] {
  const flags = follow ? ['--follow', '--until-eof'] : ['--until-eof'];
  return ['lsh', 'runner', 'logs', ...flags, `${splitKey(job).namespace}/${name}`];
}

function reasonOf(error: unknown, { namespace, name }: HostPod): string {
  if (statusCode(error) === 403) return `you may not exec into pods of namespace "${namespace}"`;
  if (isNotFound(error)) return `namespace "${namespace}" has no pod ${name} with a container ${CONTAINER}`;
  if (error instanceof ExecFailure && error.exitStatus === EXIT.usage)
    return `its pod ${name} has an older lsh`;
  return (error as Error).message.replace(/\.$/, '');
}
