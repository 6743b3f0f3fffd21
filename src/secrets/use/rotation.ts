// A rotation as variables of its environment: encrypted, versioned and merged like all others, so that any machine of the
// team continues what another one began. Beside KEY stand KEY_NEXT or KEY_PREVIOUS, and KEY_ROTATION names the step.
import { LshError } from '../../core/errors.ts';
import type { EnvFile } from '../env-file/env-file.ts';

/** Where a rotation is. Instants are milliseconds since the epoch. */
export type Rotation =
  /** KEY_NEXT has the new value, which nothing has verified yet. */
  | { step: 'generated'; at: number; value: string }
  /** KEY_NEXT has a value that is no good and is to be retired. */
  | { step: 'rejected'; at: number; value: string }
  /** KEY has the new value; KEY_PREVIOUS has the old one, which works until then. */
  | { step: 'promoted'; at: number; until: number; value: string };

interface Names {
  next: string;
  previous: string;
  state: string;
}

const STATE_SUFFIX = '_ROTATION';

export function namesOf(key: string): Names {
  return { next: `${key}_NEXT`, previous: `${key}_PREVIOUS`, state: `${key}${STATE_SUFFIX}` };
}

/** What KEY_ROTATION says; undefined for another text. */
function stateIn(text: string): { step: Rotation['step']; at: number; until: number } | undefined {
  const [, step, at = '', until = at] =
    /^(generated|rejected|promoted) (\S+)(?: until (\S+))?$/.exec(text) ?? [];
  const state = { step: step as Rotation['step'], at: Date.parse(at), until: Date.parse(until) };
  return Number.isNaN(state.at + state.until) ? undefined : state;
}

/** The rotation of the variable; undefined if there is none. Throws ROTATION_UNCLEAR. */
export function rotationOf(file: EnvFile, environment: string, key: string): Rotation | undefined {
  const names = namesOf(key);
  const unclear = (detail: string) => rotationUnclear(file, environment, key, detail);
  const text = file.values.get(names.state);
  if (text === undefined) {
    const taken = [names.next, names.previous].find((name) => file.values.has(name));
    if (taken === undefined) return undefined;
    throw unclear(`there is a variable ${taken} without ${names.state}`);
  }
  const state = stateIn(text);
  if (state === undefined) throw unclear(`${names.state} names no step`);
  const { step, at, until } = state;
  const slot = step === 'promoted' ? names.previous : names.next;
  const value = file.values.get(slot);
  if (value === undefined) throw unclear(`${names.state} is there, and no ${slot}`);
  return step === 'promoted' ? { step, at, until, value } : { step, at, value };
}

/** The rotations of the file, by variable; in place of an unclear one, its error. */
export function rotationsIn(
  file: EnvFile,
  environment: string,
): { key: string; rotation: Rotation | LshError }[] {
  // LOG_ROTATION=daily has another purpose.
  const keys = [...file.values].flatMap(([name, value]) =>
    name.endsWith(STATE_SUFFIX) && stateIn(value) ? [name.slice(0, -STATE_SUFFIX.length)] : [],
  );
  return keys.map((key) => {
    try {
      return { key, rotation: rotationOf(file, environment, key)! };
    } catch (error) {
      if (error instanceof LshError) return { key, rotation: error };
      throw error;
    }
  });
}

export function rotationUnclear(file: EnvFile, environment: string, key: string, detail: string): LshError {
  const names = Object.values(namesOf(key)).filter((name) => file.values.has(name));
  return new LshError('ROTATION_UNCLEAR', { environment, key, detail, names: names.join(' ') });
}

/** The file with a new value beside the old one. Throws SECRET_VALUE_UNWRITABLE. */
export function generated(file: EnvFile, key: string, value: string, at: number): EnvFile {
  const { next, state } = namesOf(key);
  return file.with(next, value).with(state, `generated ${iso(at)}`);
}

/** The file with the new value in use. It keeps the old one until then; undefined keeps none. */
export function promoted(file: EnvFile, key: string, at: number, until: number | undefined): EnvFile {
  const { next, previous, state } = namesOf(key);
  const value = file.values.get(next)!;
  if (until === undefined) return ended(file, key).with(key, value);
  return file
    .without(next)
    .with(previous, file.values.get(key)!)
    .with(key, value)
    .with(state, `promoted ${iso(at)} until ${iso(until)}`);
}

/** The file with the new value marked as no good: it must never be promoted, even if it is retired only later. */
export function rejected(file: EnvFile, key: string, at: number): EnvFile {
  return file.with(namesOf(key).state, `rejected ${iso(at)}`);
}

/** The file without a rotation of the variable. */
export function ended(file: EnvFile, key: string): EnvFile {
  return Object.values(namesOf(key)).reduce((rest, name) => rest.without(name), file);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
