// The CEL rules of the CRD against the validation of lsh: they are written twice, and a server before 1.25 evaluates none of
// them. What lsh accepts, no rule may refuse.
import { readFileSync } from 'node:fs';
import { parse } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { parseSpec } from '../../../src/core/validate/validate.ts';

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

interface Definition {
  spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
}

const { spec: definition } = parseYaml(readFileSync('deploy/crd.yaml', 'utf8')) as Definition;
const SPEC_SCHEMA = definition.versions[0]!.schema.openAPIV3Schema.properties!['spec']!;

/** The messages of the rules that refuse the value. */
function refusals(schema: Schema, value: unknown): string[] {
  if (value === undefined) return [];
  const { properties = {}, items } = schema;
  const own = (schema['x-kubernetes-validations'] ?? [])
    .filter(({ rule }) => parse(rule)({ self: value }) !== true)
    .map(({ message }) => message);
  const fields = Object.entries(properties).flatMap(([name, field]) =>
    refusals(field, (value as Record<string, unknown>)[name]),
  );
  const each = items && Array.isArray(value) ? value.flatMap((item) => refusals(items, item)) : [];
  return [...own, ...fields, ...each];
}

function rulesOf(schema: Schema): string[] {
  const below = [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])];
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
    ...below.flatMap(rulesOf),
  ];
}

// Rare enough that whole specs are often valid.
const maybe = <T>(...values: T[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  );
const SPECS = fc
  .record({
    schedule: maybe('0 2 * * 0', '@daily', '@reboot'),
    schedules: maybe(['@daily'], ['@hourly', '@daemon-start']),
    at: maybe('2026-12-24T10:00:00', '2026-12-24T10:00:00Z'),
    after: maybe([{ job: 'backup' }], [{ job: 'a', when: 'Failed' }, { job: 'b' }]),
    command: maybe('true'),
    args: maybe(['true']),
    shell: maybe('/bin/bash'),
    workingDir: maybe('/srv', 'here'),
    executor: maybe('Job', 'Shell'),
    backgroundChildren: maybe('keep'),
    job: maybe<object>({ image: 'a' }, { image: 'a', entrypointArgs: [] }, { entrypointArgs: [] }),
    notBefore: maybe('2026-02-01T00:00:00Z'),
    notAfter: maybe('2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z'),
    retry: maybe<object>({}, { initialSeconds: 1, maxSeconds: 9 }, { initialSeconds: 20, maxSeconds: 10 }),
    env: maybe<object[]>([{ name: 'A', value: '' }], [{ name: 'A' }]),
    envFrom: maybe<object[]>(
      [{ configMapRef: { name: 'a' } }],
      [{ file: '/a' }],
      [{ configMapRef: { name: 'a' }, secretRef: { name: 'b' } }],
    ),
  })
  .map((spec) => Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)));

function problemsOf(spec: object): string | undefined {
  try {
    parseSpec(spec, 'cluster');
    return undefined;
  } catch (error) {
    return String(error);
  }
}

describe('the CEL rules of the CRD', () => {
  test('refuse nothing that lsh accepts, and each refuses something', () => {
    const refused = new Set<string>();
    let accepted = 0;
    fc.assert(
      fc.property(SPECS, (spec) => {
        const messages = refusals(SPEC_SCHEMA, spec);
        for (const message of messages) refused.add(message);
        if (problemsOf(spec) !== undefined) return;
        accepted++;
        expect(messages).toEqual([]);
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(20);
    expect([...refused].sort()).toEqual(rulesOf(SPEC_SCHEMA).sort());
  });

  test.each([
    ['after alone', { after: [{ job: 'a' }] }],
    ['after beside a schedule', { after: [{ job: 'a' }], schedule: '@daily' }],
    ['at alone', { at: '2026-12-24T10:00:00' }],
  ])('%s passes', (_, part) => {
    const spec = { command: 'true', ...part };
    expect(problemsOf(spec)).toBeUndefined();
    expect(refusals(SPEC_SCHEMA, spec)).toEqual([]);
  });
});
