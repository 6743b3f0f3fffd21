import { describe, expect, test } from 'vitest';
import { checkCommand } from '../../../src/core/command-check/command-check.ts';
import { fromTemplate, TEMPLATES } from '../../../src/core/import/templates.ts';
import { parseManifest } from '../../../src/core/validate/validate.ts';

function samples(name: string): Record<string, string> {
  const { parameters } = TEMPLATES.find((template) => template.name === name)!;
  return Object.fromEntries(
    parameters.map((parameter) => [parameter.name, parameter.default ?? '/srv/some thing']),
  );
}

test('are offered under the names people know', () => {
  expect(TEMPLATES.map(({ name }) => name)).toEqual([
    'database-backup',
    'log-cleanup',
    'disk-monitor',
    'data-sync',
  ]);
});

describe.each(TEMPLATES.map(({ name }) => name))('%s', (name) => {
  test('is a valid job whose command passes without a warning', () => {
    const { spec } = parseManifest(fromTemplate(name, samples(name)), 'local');
    expect(checkCommand(spec)).toMatchObject({ allowed: true, level: 'none' });
  });

  test('reads every parameter from its variable', () => {
    const { spec } = fromTemplate(name, samples(name));
    for (const { name: variable } of spec.env!) expect(spec.command).toContain(`$${variable}`);
  });
});

test('a missing and an unknown parameter are named together', () => {
  expect(() => fromTemplate('log-cleanup', { dir: '/x' })).toThrow(
    'Template log-cleanup has no parameter dir (it has directory, days) It needs directory: Where the log files are.',
  );
});

test('an unknown template is answered with those there are', () => {
  expect(() => fromTemplate('backup', {})).toThrow(
    'There is no template backup; there are database-backup, log-cleanup, disk-monitor, data-sync.',
  );
});

test('a job may have a name and values of its own', () => {
  const job = fromTemplate('disk-monitor', { percent: '75' }, 'root-disk');
  expect(job.metadata.name).toBe('root-disk');
  expect(job.spec.env).toEqual([{ name: 'PERCENT', value: '75' }]);
});
