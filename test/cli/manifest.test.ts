// The manifest that `export`, `edit` and `promote` write for a job gives the same job again.
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { manifestOf } from '../../src/cli/input/manifest.ts';
import { jobDocument } from '../../src/core/document.ts';
import type { Platform } from '../../src/core/executor.ts';
import { JobSpecSchema, type JobSpecInput } from '../../src/core/spec/job-spec.ts';
import { withPlatformDefaults } from '../../src/core/validate/defaults.ts';
import { parseManifest } from '../../src/core/validate/validate.ts';
import { aJob } from '../support/builders.ts';

const SECRET: JobSpecInput = { command: 'true', envFrom: [{ secretRef: { name: 'token' } }] };

/** The resolved spec. */
function resolved(input: JobSpecInput, platform: Platform) {
  const spec = v.parse(JobSpecSchema, { schedule: '@daily', ...input });
  return withPlatformDefaults(spec, platform, { timeZone: 'Europe/Oslo' });
}

function exported(input: JobSpecInput, platform: Platform) {
  return manifestOf(jobDocument({ ...aJob(), spec: resolved(input, platform) }, []), platform);
}

describe('an exported job', () => {
  test('leaves out the defaults and names its time zone', () => {
    expect(exported({ command: 'true' }, 'local').spec).toEqual({
      schedule: '@daily',
      timeZone: 'Europe/Oslo',
      command: 'true',
    });
  });

  test('keeps an executor that is not the default of its platform', () => {
    expect(exported({ command: 'true', executor: 'Shell' }, 'cluster').spec.executor).toBe('Shell');
    expect(exported({ command: 'true', executor: 'Job' }, 'cluster').spec).not.toHaveProperty('executor');
  });

  test('keeps `captureOutput: true` in a cluster where a Secret makes false the default', () => {
    expect(exported({ ...SECRET, captureOutput: true }, 'cluster').spec.captureOutput).toBe(true);
    expect(exported({ secretsEnv: 'prod', captureOutput: true }, 'cluster').spec.captureOutput).toBe(true);
    expect(exported(SECRET, 'cluster').spec).not.toHaveProperty('captureOutput');
  });

  const specs: JobSpecInput[] = [
    { command: 'true' },
    { command: 'true', captureOutput: false },
    { ...SECRET, captureOutput: true },
    { ...SECRET, captureOutput: false },
    { ...SECRET, retry: { limit: 3 }, tags: ['night'], priority: 9 },
  ];
  test.each(specs)('gives the same job again in a cluster: %j', (input) => {
    const { spec } = parseManifest(exported(input, 'cluster'), 'cluster');
    expect(withPlatformDefaults(spec, 'cluster', { timeZone: 'Asia/Tokyo' })).toEqual(
      resolved(input, 'cluster'),
    );
  });
});
