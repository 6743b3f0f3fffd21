// Generates the CustomResourceDefinition of LshJob from the schemas of the core. The operator itself does not need it.
import type { V1CustomResourceDefinition } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { API_VERSION, KIND } from '../../src/core/api-version.ts';
import { NAME_MAX_LENGTH } from '../../src/core/spec/blocks.ts';
import { JobSpecSchema } from '../../src/core/spec/job-spec.ts';
import { START_MACROS } from '../../src/core/schedule/expression/start-macros.ts';
import { GROUP, PLURAL, VERSION } from '../../src/kubernetes/objects/lsh-job.ts';
import { STATUS_SCHEMA } from './crd-status.ts';
import { SCHEDULE_PATTERNS } from './schedule-pattern.ts';
import { crdSchemaOf, type CelRule, type CrdSchema } from './json-schema.ts';

const EXACTLY_ONE_SOURCE =
  '[has(self.file), has(self.configMapRef), has(self.secretRef)].filter(given, given).size() == 1';

// Rules between fields that the API server can check. The operator checks all other rules, and reports them in the
// condition Ready=False.
const SPEC_RULES: CelRule[] = [
  {
    rule: '[has(self.command), has(self.args), has(self.job) && has(self.job.entrypointArgs)].filter(given, given).size() == 1',
    message: 'exactly one of command and args is required, or job.entrypointArgs alone',
  },
  {
    rule: '!has(self.job) || !has(self.job.entrypointArgs) || has(self.job.image)',
    message: 'job.entrypointArgs needs job.image',
  },
  {
    rule: '[has(self.schedule), has(self.schedules), has(self.at)].filter(given, given).size() == 1 || (has(self.after) && !has(self.schedule) && !has(self.schedules) && !has(self.at))',
    message: 'exactly one of schedule, schedules and at is required, or after alone',
  },
  {
    rule: '!has(self.after) || !has(self.at)',
    message: 'after cannot stand beside at',
  },
  {
    rule: '!has(self.shell) || has(self.command)',
    message: 'shell goes with command; args run without a shell',
  },
  {
    rule: "!has(self.workingDir) || self.workingDir.startsWith('/')",
    message: 'workingDir must be an absolute path',
  },
  {
    rule: "!has(self.job) || !has(self.executor) || self.executor == 'Job'",
    message: 'job goes with executor Job only',
  },
  {
    rule: "!has(self.backgroundChildren) || (has(self.executor) && self.executor == 'Shell')",
    message: 'backgroundChildren goes with executor Shell only',
  },
  {
    rule: '!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter',
    message: 'notAfter must be later than notBefore',
  },
  {
    rule: `!(has(self.schedules) ? self.schedules : has(self.schedule) ? [self.schedule] : []).exists(each, each in [${START_MACROS.map((macro) => `'${macro}'`).join(', ')}])`,
    message: `${START_MACROS.join(' and ')} work in the local daemon only`,
  },
];
const RETRY_RULES: CelRule[] = [
  {
    // The default of retry is {}; the server evaluates the rules before it adds the defaults of its fields.
    rule: '!has(self.initialSeconds) || !has(self.maxSeconds) || self.initialSeconds <= self.maxSeconds',
    message: 'maxSeconds must be at least initialSeconds',
  },
];
const ENV_RULES: CelRule[] = [
  {
    rule: 'has(self.value) != has(self.valueFrom)',
    message: 'exactly one of value and valueFrom is required',
  },
];
const ENV_FROM_RULES: CelRule[] = [
  { rule: EXACTLY_ONE_SOURCE, message: 'exactly one of configMapRef and secretRef is required' },
  { rule: '!has(self.file)', message: 'file works in the local daemon only' },
];
const OBJECT_RULES: CelRule[] = [
  {
    rule: `self.metadata.name.size() <= ${NAME_MAX_LENGTH} && !self.metadata.name.contains('.')`,
    message: `the name must be at most ${NAME_MAX_LENGTH} letters, digits and dashes`,
  },
];

const COLUMNS = [
  { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule', description: 'When the job is due.' },
  {
    name: 'Suspend',
    type: 'boolean',
    jsonPath: '.spec.suspend',
    description: 'Whether slots pass without a run.',
  },
  { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'State of the job in one word.' },
  {
    name: 'Result',
    type: 'string',
    jsonPath: '.status.recentRuns[0].phase',
    description: 'How the newest ended run ended.',
  },
  {
    name: 'Last',
    type: 'date',
    jsonPath: '.status.lastScheduleTime',
    description: 'Newest slot that has a run.',
  },
  // A string: a date column shows an age, and a future instant has none.
  { name: 'Next', type: 'string', jsonPath: '.status.nextScheduleTime', description: 'The next slot.' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Executor', type: 'string', jsonPath: '.spec.executor', priority: 1 },
  { name: 'Zone', type: 'string', jsonPath: '.spec.timeZone', priority: 1 },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.recentRuns[0].reason',
    description: 'Why the newest ended run did not complete.',
    priority: 1,
  },
  { name: 'Completed', type: 'integer', jsonPath: '.status.totals.completed', priority: 1 },
  { name: 'Failed', type: 'integer', jsonPath: '.status.totals.failed', priority: 1 },
  {
    name: 'Stuck',
    type: 'string',
    jsonPath: '.status.active[0].message',
    description: 'Why the command of the active run cannot begin.',
    priority: 1,
  },
];

/** The definition as an object. */
export function lshJobCrd(): V1CustomResourceDefinition {
  const schema: CrdSchema = {
    type: 'object',
    description: 'A command that runs on a schedule.',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `${API_VERSION}.` },
      kind: { type: 'string', description: `${KIND}.` },
      metadata: { type: 'object' },
      spec: specSchema(),
      status: STATUS_SCHEMA,
    },
    'x-kubernetes-validations': OBJECT_RULES,
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: KIND.toLowerCase(),
        shortNames: ['lj'],
        categories: ['all', 'lsh'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  };
}

function specSchema(): CrdSchema {
  const spec = crdSchemaOf(JobSpecSchema);
  const fields = spec.properties!;
  const patterns = SCHEDULE_PATTERNS.map((pattern) => ({ pattern }));
  fields['schedule']!.allOf = patterns;
  fields['schedules']!.items!.allOf = patterns;
  fields['retry']!['x-kubernetes-validations'] = RETRY_RULES;
  fields['env']!.items!['x-kubernetes-validations'] = ENV_RULES;
  fields['envFrom']!.items!['x-kubernetes-validations'] = ENV_FROM_RULES;
  return {
    ...spec,
    description: 'Desired state: the command and its schedule.',
    'x-kubernetes-validations': SPEC_RULES,
  };
}

/** The definition as a file for kubectl apply. */
export function crdYaml(): string {
  const head = '# Generated from src/core/spec/ by `npm run gen`; edit that instead.\n';
  return head + stringify(lshJobCrd(), { aliasDuplicateObjects: false, lineWidth: 110 });
}
