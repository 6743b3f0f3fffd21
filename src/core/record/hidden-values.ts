// Which values of a job its rows in the team's history do not show: those of its variables, and those that its texts name as
// secrets.
import type { JobSpec } from '../spec/job-spec.ts';

/** Fields with texts of the user's own. The others say when and how a run starts. */
const FREE_TEXTS: ReadonlySet<string> = new Set([
  'command',
  'args',
  'description',
  'workingDir',
  'job',
  'metadata',
]);

/** Whether the field of a spec, or of its changes, may repeat a value. */
export function isFreeText(field: string): boolean {
  return FREE_TEXTS.has(field);
}

/** The values, short ones among them, which the redaction leaves. Those of variables only if the job does not record them. */
export function hiddenValues(spec: JobSpec): string[] {
  const found: string[] = [];
  collect(Object.fromEntries(Object.entries(spec).filter(([field]) => isFreeText(field))), found);
  const variables = spec.recordEnv ? [] : variablesOf({ env: spec.env, job: spec.job });
  return [...new Set([...variables, ...found])];
}

/** The values of variables at any depth: the Pod template of a Kubernetes Job has some, too. */
function variablesOf(value: unknown, key = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]: [string, unknown]) => {
    const isValue = key === 'env' && typeof part === 'string' && name === 'value';
    if (isValue) return [part];
    return variablesOf(part, Array.isArray(value) ? key : name);
  });
}

/**
 * Spellings in which a text itself calls a value a secret: `TOKEN=…`, `--password='…'`, `postgres://user:…@host`,
 * `Authorization: Bearer …`. A reference such as `$TOKEN` is no value. Each pattern takes linear time.
 */
const NAMED_SECRETS: readonly RegExp[] = [
  /(?:token|secret|passwd|password|passphrase|credentials?|(?:api|access|private|secret)[_-]?key)=(?:"([^"$`]+)"|'([^']+)'|([^\s"'$`;&|<>()]+))/gi,
  /:\/\/[^\s:@/]*:([^\s@/]+)@/g,
  /authorization: ?(?:(?:basic|bearer|token) )?([^\s"'$`]+)/gi,
];

/** Variables are left out: hiddenValues() decides about their values. */
function collect(value: unknown, found: string[]): void {
  if (typeof value === 'string') found.push(...namedSecrets(value));
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value)) if (name !== 'env') collect(part, found);
}

function namedSecrets(text: string): string[] {
  return NAMED_SECRETS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, ...groups]) => groups.find((group) => group !== undefined)!),
  );
}
