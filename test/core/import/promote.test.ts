import { describe, expect, test } from 'vitest';
import type { LshError } from '../../../src/core/errors.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { promote, type PromoteOptions } from '../../../src/core/import/promote.ts';
import { parseManifest } from '../../../src/core/validate/validate.ts';

const SPEC: JobSpecInput = { schedule: '0 2 * * 0', timeZone: 'Europe/Berlin', command: 'make rotate' };

function promoted(spec: JobSpecInput, options: PromoteOptions = { executor: 'Job' }) {
  const promotion = promote('rotate', { ...SPEC, ...spec }, options);
  parseManifest(promotion.job, 'cluster');
  return promotion;
}

describe('a job of the local daemon for a cluster', () => {
  test('keeps its fields, names its zone, and becomes a Kubernetes Job of the image', () => {
    const { job } = promoted(
      { retry: { limit: 3 }, timeoutSeconds: 60, tags: ['a'] },
      { executor: 'Job', image: 'alpine' },
    );
    expect(job).toEqual({
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: 'rotate' },
      spec: {
        ...SPEC,
        retry: { limit: 3 },
        timeoutSeconds: 60,
        tags: ['a'],
        executor: 'Job',
        job: { image: 'alpine' },
      },
    });
  });

  test.each<[string, JobSpecInput, PromoteOptions, RegExp]>([
    ['the zone', {}, { executor: 'Job' }, /^timeZone: Europe\/Berlin .* UTC/],
    ['the image', {}, { executor: 'Job', image: 'alpine:3' }, /a container of alpine:3/],
    ['no image', {}, { executor: 'Job' }, /image that the controller is configured with/],
    ['a shell run', {}, { executor: 'Shell' }, /allow-list/],
    ['the home directory', {}, { executor: 'Job' }, /^workingDir: .* not in your home directory/],
    ['another directory', { workingDir: '/srv/app' }, { executor: 'Job' }, /^workingDir: \/srv\/app must be/],
    ['a shell', { shell: '/bin/zsh' }, { executor: 'Job' }, /^shell: \/bin\/zsh/],
    [
      'background children',
      { backgroundChildren: 'keep' },
      { executor: 'Job' },
      /^backgroundChildren: left out/,
    ],
    ['variables', { env: [{ name: 'TOKEN', value: 'x' }] }, { executor: 'Job' }, /reads the values of TOKEN/],
    ['@every', { schedule: '@every 5m' }, { executor: 'Job' }, /@every counts/],
    ['H', { schedule: 'H 3 * * *' }, { executor: 'Job' }, /H depends on the namespace/],
  ])('%s gets a note', (_what, spec, options, expected) => {
    expect(promoted(spec, options).notes).toContainEqual(expect.stringMatching(expected));
  });

  test('THU is a day and not a hash', () => {
    expect(promoted({ schedule: '0 3 * * THU' }).notes.join()).not.toContain('H depends');
  });

  test('a field that needs this machine is refused with every reason and a way out', () => {
    const spec = { schedule: '@reboot', envFrom: [{ file: '/home/me/.env' }] };
    const refusal = (() => {
      try {
        promoted(spec);
      } catch (error) {
        return error as LshError;
      }
      throw new Error('it was not refused');
    })();
    expect(refusal.code).toBe('JOB_NOT_CARRIED');
    expect(refusal.problems.map(({ path }) => path)).toEqual(['spec.schedule', 'spec.envFrom[0].file']);
    expect(refusal.problems[1]!.message).toContain(
      'kubectl create secret generic NAME --from-env-file=/home/me/.env',
    );
  });
});
