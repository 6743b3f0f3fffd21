// docs/spec.md, from the schema of the spec and the flags of `lsh cron add`.
import type { RetrySchema } from '../../src/core/spec/blocks.ts';
import { JobSpecSchema } from '../../src/core/spec/job-spec.ts';
import { crdSchemaOf, type CrdSchema } from '../gen/json-schema.ts';
import { GENERATED, table } from './markdown.ts';

type Field = keyof typeof JobSpecSchema.entries;
type RetryField = keyof typeof RetrySchema.entries;

/** How `lsh cron add` sets each field. A field without an entry does not compile. */
export const FLAGS: Record<Field | `retry.${RetryField}`, string> = {
  schedule: '`--schedule`, `--interval`, `--at-daemon-start`',
  schedules: '`--schedule`, several times',
  at: '`--at`; `lsh cron at`, `lsh cron in`',
  after: '`--after`',
  timeZone: '`--tz`',
  command: '`--command`',
  args: 'the words after `--`',
  executor: '`--executor`',
  env: '`--env`',
  recordEnv: '`--record-env`',
  envFrom: '`--env-file`; a ConfigMap or Secret only in a document',
  secretsEnv: '`--secrets-env`',
  captureOutput: '`--no-capture-output`',
  workingDir: '`--working-dir`',
  shell: '`--shell`',
  backgroundChildren: '`--background-children`',
  suspend: '`--suspend`',
  resumeAt: '`--resume-at`',
  concurrencyPolicy: '`--concurrency`',
  concurrencyGroup: '`--concurrency-group`',
  startingDeadlineSeconds: '`--deadline`',
  missedRunPolicy: '`--missed`',
  maxMissedRuns: '`--max-missed`',
  timeoutSeconds: '`--timeout`',
  terminationGracePeriodSeconds: '`--grace`',
  slowAfter: '`--slow-after`',
  expectSuccessWithin: '`--expect-success-within`',
  retry: 'see below',
  'retry.limit': '`--retries`',
  'retry.initialSeconds': '`--retry-delay`',
  'retry.factor': '`--retry-factor`',
  'retry.maxSeconds': '`--retry-max-delay`',
  'retry.jitter': '`--retry-jitter`',
  'retry.onExitCodes': '`--retry-on`',
  'retry.notOnExitCodes': '`--never-retry-on`',
  'retry.disruptions': '`--retry-disruptions`',
  jitterSeconds: '`--jitter`',
  successfulRunsHistoryLimit: '`--keep-successful`',
  failedRunsHistoryLimit: '`--keep-failed`',
  description: '`--description`',
  tags: '`--tag`',
  priority: '`--priority`',
  notBefore: '`--not-before`',
  notAfter: '`--not-after`',
  exceptDates: '`--except-date`',
  notify: '`--notify`, `--notify-after`, `--notify-repeat`',
  calendars: '`--calendar`, `--only-calendar`',
  job: '`--image`; the other fields only in a document',
};

/** The page as Markdown. */
export function renderSpecPage(): string {
  const { properties = {} } = crdSchemaOf(JobSpecSchema);
  const of = (parent: string) => properties[parent]?.properties ?? {};
  const items = (parent: string) => properties[parent]?.items?.properties ?? {};
  return `${GENERATED}

# The spec of a job

One spec serves the daemon and a cluster: \`lsh cron add\` writes it from flags, \`lsh apply -f\` and \`kubectl apply -f\` read it from a
document. \`lsh cron get NAME -o yaml\` shows it with every default.

\`\`\`yaml
apiVersion: lsh.dev/v1alpha1
kind: LshJob
metadata:
  name: backup
spec:
  schedule: '30 1 * * *'
  timeZone: Europe/Berlin
  command: pg_dump -f /backups/db app
  timeoutSeconds: 3600
  missedRunPolicy: All
  maxMissedRuns: 3
  retry:
    limit: 3
    initialSeconds: 30
    onExitCodes: [75]
\`\`\`

## spec

${fieldTable(properties, '')}

## spec.retry

${fieldTable(of('retry'), 'retry.')}

## spec.env[]

${fieldTable(items('env'))}

## spec.envFrom[]

${fieldTable(items('envFrom'))}

## spec.notify[]

${fieldTable(items('notify'))}

## spec.calendars[]

${fieldTable(items('calendars'))}

## spec.job

${fieldTable(of('job'))}
`;
}

/** With a prefix, the table has a column of flags. */
function fieldTable(fields: Record<string, CrdSchema>, prefix?: string): string {
  const head = ['field', 'meaning', 'value', 'default'];
  const rows = Object.entries(fields).map(([name, schema]) => [
    `\`${name}\``,
    schema.description ?? '',
    valueText(schema),
    schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``,
    ...(prefix === undefined ? [] : [FLAGS[`${prefix}${name}` as keyof typeof FLAGS]]),
  ]);
  return table(prefix === undefined ? head : [...head, '`lsh cron add`'], rows);
}

/** `one of Forbid, Allow`, `whole number, 0 to 100`, `list of text, at most 32`. */
function valueText({ type, enum: choices, minimum, maximum, maxLength, maxItems, items }: CrdSchema): string {
  if (choices) return `one of ${choices.join(', ')}`;
  const name = type === undefined ? 'any value' : TYPES[type];
  if (type === 'array') {
    const of = items?.type === undefined || items.type === 'object' ? '' : ` of ${TYPES[items.type]}`;
    return `${name}${of}${maxItems === undefined ? '' : `, at most ${maxItems}`}`;
  }
  if (minimum !== undefined && maximum !== undefined) return `${name}, ${minimum} to ${maximum}`;
  return maxLength === undefined ? name : `${name}, at most ${maxLength} characters`;
}

const TYPES: Record<NonNullable<CrdSchema['type']>, string> = {
  object: 'mapping',
  array: 'list',
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
};
