// `lsh secrets rotate`: generate, verify, promote, retire. Each step is a version of the environment or an entry of its
// audit, so a call that finds a half-done rotation, also one of another machine, continues it from its last step.
import { LshError } from '../../../core/errors.ts';
import type { EnvFile } from '../../../secrets/env-file/env-file.ts';
import {
  ended,
  generated,
  namesOf,
  promoted,
  rejected,
  rotationOf,
  rotationUnclear,
} from '../../../secrets/use/rotation.ts';
import type { Head, Vault } from '../../../secrets/vault.ts';
import { change } from '../change.ts';
import type { ProjectSecrets } from '../project-secrets.ts';
import { requireHead } from '../pull.ts';
import { outputOf, runCommand, valueIn, type CommandEnd } from './command.ts';
import { hasSince, valueBefore } from './past.ts';

export interface RotateOptions {
  /** Prints the new value. */
  generate: string;
  /** Succeeds if the new value works. */
  verify: string;
  /** Revokes the value in KEY_PREVIOUS. */
  retire?: string | undefined;
  /** How long the old value stays beside the new one, in milliseconds. */
  overlapMs: number;
  /** Begins no rotation while the value is younger, in milliseconds. */
  everyMs?: number | undefined;
}

export interface Rotated {
  project: string;
  environment: string;
  key: string;
  /** `retired`: that alone was due; `waiting`: the overlap has not ended; `young`: the value is not old enough. */
  result: 'rotated' | 'retired' | 'waiting' | 'young';
  version: number;
  /** RFC 3339: until then KEY_PREVIOUS has the value before. */
  previousUntil?: string | undefined;
}
type Outcome = Pick<Rotated, 'result' | 'version' | 'previousUntil'>;

/** One call of rotate. */
interface Call {
  secrets: ProjectSecrets;
  vault: Vault;
  environment: string;
  key: string;
  options: RotateOptions;
  now: () => number;
}

/** Rotates the variable, or continues its rotation. Throws SECRETS_KEY_NOT_FOUND, and the errors that begin with ROTATION_. */
export async function rotate(
  secrets: ProjectSecrets,
  { environment, key }: { environment: string; key: string },
  options: RotateOptions,
  now: () => number,
): Promise<Rotated> {
  const vault = secrets.vault(environment);
  const lock = secrets.lockRotation(environment);
  try {
    const outcome = await proceed({ secrets, vault, environment, key, options, now });
    return { project: secrets.project.id, environment, key, ...outcome };
  } finally {
    lock.release();
  }
}

async function proceed(call: Call): Promise<Outcome> {
  const { vault, environment, key, now } = call;
  const head = await requireHead(vault);
  if (!head.file.values.has(key)) throw new LshError('SECRETS_KEY_NOT_FOUND', { environment, key });
  const found = rotationOf(head.file, environment, key);
  if (found === undefined) return begin(call, head);
  const { value } = found;
  if (found.step === 'generated') return complete(call, await valueBefore(vault, head, key, value), value);
  if (found.step === 'rejected') return rollBack(call, value, 'an earlier call rejected its new value');
  if (found.until > now()) {
    const previousUntil = new Date(found.until).toISOString();
    return { result: 'waiting', version: head.versions[0]!.version, previousUntil };
  }
  const version = await retire(call);
  // Without an overlap this was the last step of a call that was interrupted.
  if (found.until === found.at) return { result: 'rotated', version };
  const outcome = await begin(call, await requireHead(vault));
  return outcome.result === 'young' ? { result: 'retired', version } : outcome;
}

async function begin(call: Call, head: Head): Promise<Outcome> {
  const { vault, environment, key, options, now } = call;
  const newest = head.versions[0]!;
  const value = head.file.values.get(key)!;
  const isYoung =
    options.everyMs !== undefined &&
    !(await hasSince(vault, head, { key, value, instant: now() - options.everyMs }));
  if (isYoung) return { result: 'young', version: newest.version };
  // After a crash it tells that the generate command may have made a value that was never stored.
  await vault.record('rotate', newest, 'generating');
  const next = await generate(call, head.file);
  let isMoved = false;
  await append(call, 'generated', (file) => {
    isMoved = file.values.get(key) !== value || rotationOf(file, environment, key) !== undefined;
    return isMoved ? file : generated(file, key, next, now());
  });
  if (isMoved) return rollBack(call, next, `${key} was changed meanwhile`);
  return complete(call, value, next);
}

async function generate(call: Call, { values }: EnvFile): Promise<string> {
  const { vault, key, options } = call;
  const end = await outputOf(options.generate, Object.fromEntries(values));
  const made = end.failure === undefined ? valueIn(end.output, values.get(key)) : { failure: end.failure };
  if ('value' in made) return made.value;
  requireUninterrupted(call, 'generate', end);
  await vault.record('rotate', undefined, 'generate failed');
  throw new LshError('ROTATION_GENERATE_FAILED', { key, detail: made.failure });
}

/** From the stored new value to the end. */
async function complete(call: Call, old: string, next: string): Promise<Outcome> {
  const { vault, environment, key, options, now } = call;
  const { file: before, versions } = await requireHead(vault);
  const variables = { ...Object.fromEntries(before.values), [key]: next, [namesOf(key).previous]: old };
  const end = await runCommand(options.verify, variables);
  if (end.failure !== undefined) {
    requireUninterrupted(call, 'verify', end);
    return rollBack(call, next, `the verify command failed: ${end.failure}`);
  }
  await vault.record('rotate', versions[0], 'verified');
  const at = now();
  const isKept = options.retire !== undefined || options.overlapMs > 0;
  const until = isKept ? at + options.overlapMs : undefined;
  let isMoved = false;
  const version = await append(call, 'promoted', (file) => {
    // Another machine that continued the same rotation may have been faster.
    if (file.values.get(key) === next) return file;
    const found = rotationOf(file, environment, key);
    isMoved = file.values.get(key) !== old || found?.step !== 'generated' || found.value !== next;
    return isMoved ? file : promoted(file, key, at, until);
  });
  if (isMoved) return rollBack(call, next, `${key} was changed meanwhile`);
  if (options.overlapMs > 0)
    return { result: 'rotated', version, previousUntil: new Date(at + options.overlapMs).toISOString() };
  return { result: 'rotated', version: isKept ? await retire(call) : version };
}

/** Takes back the new value, which was never in use. Always throws: ROTATION_ROLLED_BACK, or why it cannot. */
async function rollBack(call: Call, next: string, detail: string): Promise<never> {
  const { environment, key, options, now } = call;
  const isStored = (file: EnvFile) => file.values.get(namesOf(key).next) === next;
  if (options.retire !== undefined) {
    // Stored before the value is retired: no later call may promote it, even if its verify command accepts it.
    await append(call, 'rejected', (file) => (isStored(file) ? rejected(file, key, now()) : file));
    await runRetire(call, options.retire, next);
  }
  await append(call, 'rolled back', (file) => (isStored(file) ? ended(file, key) : file));
  throw new LshError('ROTATION_ROLLED_BACK', { environment, key, detail });
}

/** Retires the old value. Returns the version without it. */
async function retire(call: Call): Promise<number> {
  const { vault, environment, key, options } = call;
  const { previous } = namesOf(key);
  const old = (await requireHead(vault)).file.values.get(previous);
  if (old !== undefined && options.retire !== undefined) await runRetire(call, options.retire, old);
  return append(call, 'retired', (file) => {
    // Another machine may have been faster.
    if (old === undefined || file.values.get(previous) !== old) return file;
    requireUnused(file, environment, key, old);
    return ended(file, key);
  });
}

/** Runs the retire command, which finds the value in KEY_PREVIOUS. */
async function runRetire(call: Call, script: string, value: string): Promise<void> {
  const { vault, environment, key } = call;
  const { file, versions } = await requireHead(vault);
  requireUnused(file, environment, key, value);
  const end = await runCommand(script, {
    ...Object.fromEntries(file.values),
    [namesOf(key).previous]: value,
  });
  if (end.failure === undefined) return;
  requireUninterrupted(call, 'retire', end);
  await vault.record('rotate', versions[0], 'retire failed');
  throw new LshError('ROTATION_RETIRE_FAILED', { environment, key, detail: end.failure });
}

/** Throws ROTATION_UNCLEAR if the variable has the value, as after a rollback to an older version. */
function requireUnused(file: EnvFile, environment: string, key: string, value: string): void {
  if (file.values.get(key) !== value) return;
  throw rotationUnclear(file, environment, key, `${key} has the value that is to be retired`);
}

/** Throws ROTATION_INTERRUPTED for a command that failed because lsh was told to stop: that says nothing about the value. */
function requireUninterrupted({ environment, key }: Call, step: string, { isInterrupted }: CommandEnd): void {
  if (isInterrupted) throw new LshError('ROTATION_INTERRUPTED', { environment, key, step });
}

/** Stores the newest state with the step applied, if that changes it. Returns the newest version. */
async function append(call: Call, detail: string, next: (file: EnvFile) => EnvFile): Promise<number> {
  const { secrets, environment } = call;
  // proceed() has found a head, and no store takes it back.
  const { version } = await change(secrets, environment, 'rotate', (head) => ({
    file: next(head!.file),
    detail,
  }));
  return version;
}
