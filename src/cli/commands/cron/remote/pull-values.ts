// What the team's record leaves out of a job: the values of its variables, and what it masks in texts. They come from the flags, or
// from the job of that name here.
import type { JobDocument } from '../../../../core/document.ts';
import { LshError } from '../../../../core/errors.ts';
import type { JobManifest } from '../../../../core/job.ts';
import { isFreeText } from '../../../../core/record/hidden-values.ts';
import { recordedSpec } from '../../../../core/record/job-record.ts';
import { MASK } from '../../../../core/redaction/redaction.ts';
import { usage } from '../../../failure.ts';

export type Variable = NonNullable<JobDocument['spec']['env']>[number];

/** Gives the variables their values, from the flags before the job here, and masked texts what the job here has in their place. */
export function fillIn(
  manifest: JobManifest,
  given: readonly Variable[],
  local: JobDocument | undefined,
): void {
  const { env } = manifest.spec;
  for (const { name } of given)
    if (!env?.some((each) => each.name === name)) throw usage(`The job has no variable ${name}.`);
  if (local !== undefined)
    manifest.spec = unmasked(manifest.spec, recordedSpec(local.spec), local.spec) as JobManifest['spec'];
  if (env === undefined) return;
  manifest.spec.env = env.map((each) => {
    if (each.value !== undefined || each.valueFrom !== undefined) return each;
    const known = [...given, ...(local?.spec.env ?? [])].find(({ name }) => name === each.name);
    return known?.value === undefined ? each : { ...each, value: known.value };
  });
}

/** `text` with the texts of `here` in place of those that the record shows of both in the same way. */
function unmasked(text: unknown, hereAsRecorded: unknown, here: unknown): unknown {
  if (typeof text === 'string') return text.includes(MASK) && text === hereAsRecorded ? here : text;
  if (typeof text !== 'object' || text === null) return text;
  const [recorded, own] = [hereAsRecorded ?? {}, here ?? {}] as Record<string, unknown>[];
  const entries = Object.entries(text).map(([key, part]) => [key, unmasked(part, recorded![key], own![key])]);
  return Array.isArray(text) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}

export interface Gap {
  path: string;
  /** Name of the variable that lacks its value; undefined for a masked text. */
  variable?: string;
}

/** What is still missing, at any depth: a Pod template has variables, too. */
export function gapsOf({ spec }: JobManifest): Gap[] {
  return Object.entries(spec).flatMap(([field, value]) => [
    ...missingValues(value, `spec.${field}`, field),
    ...(isFreeText(field) ? maskedTexts(value, `spec.${field}`) : []),
  ]);
}

function missingValues(value: unknown, path: string, key: string): Gap[] {
  if (typeof value !== 'object' || value === null) return [];
  if (key === 'env' && Array.isArray(value))
    return (value as Variable[]).flatMap(({ name, value: known, valueFrom }, index) =>
      known === undefined && valueFrom === undefined ? [{ path: `${path}[${index}]`, variable: name }] : [],
    );
  return parts(value, path).flatMap(([name, part, at]) => missingValues(part, at, name));
}

function maskedTexts(value: unknown, path: string): Gap[] {
  if (typeof value === 'string' && value.includes(MASK)) return [{ path }];
  if (typeof value !== 'object' || value === null) return [];
  return parts(value, path).flatMap(([, part, at]) => maskedTexts(part, at));
}

/** Name, value and path of each part. */
function parts(value: object, path: string): [string, unknown, string][] {
  const at = (name: string) => (Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`);
  return Object.entries(value).map(([name, part]: [string, unknown]) => [name, part, at(name)]);
}

/** For a list of what is missing. */
export function gapLine({ path, variable }: Gap): string {
  return `${variable === undefined ? `the secret behind ${MASK}` : `the value of ${variable}`} (${path})`;
}

/** The refusal of a job that lacks something; `target` ends each command line. */
export function incomplete(name: string, gaps: readonly Gap[], target: string): LshError {
  const problems = gaps.map(({ path, variable }) => ({
    path,
    message:
      variable === undefined ? `the record has ${MASK} in place of a secret` : `${variable} has no value`,
  }));
  const byFlag = gaps.filter(({ path }) => path.startsWith('spec.env['));
  const flags = byFlag.map(({ variable }) => ` --env ${variable}=…`).join('');
  const command = `lsh cron pull ${name}${target}`;
  const toFile = `\`${command} -o yaml > ${name}.yaml\``;
  return new LshError(
    'JOB_INVALID',
    { detail: 'the team’s record has the names of variables, and no secrets.' },
    {
      problems,
      hint:
        byFlag.length === gaps.length
          ? `Give the values, \`${command}${flags}\`, or write the manifest to a file, fill them in, and apply it: ${toFile}.`
          : `Write the manifest to a file, fill in what is missing, and apply it: ${toFile}.`,
    },
  );
}
