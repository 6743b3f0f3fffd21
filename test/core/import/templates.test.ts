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

test('the list has the known names', () => {
  expect(TEMPLATES.map(({ name }) => name)).toEqual([
    'database-backup',
    'log-cleanup',
    'disk-monitor',
    'data-sync',
    'rotate-secrets',
  ]);
});

describe.each(TEMPLATES.map(({ name }) => name))('%s', (name) => {
  test('is a valid job and its command gets no warning', () => {
    const { spec } = parseManifest(fromTemplate(name, samples(name)), 'local');
    expect(checkCommand(spec)).toMatchObject({ allowed: true, level: 'none' });
  });

  test('reads every parameter from its variable', () => {
    const { spec } = fromTemplate(name, samples(name));
    for (const { name: variable } of spec.env!) expect(spec.command).toContain(`$${variable}`);
  });
});

test('the error names a missing and an unknown parameter together', () => {
  expect(() => fromTemplate('log-cleanup', { dir: '/x' })).toThrow(
    'Template log-cleanup has no parameter dir (it has directory, days) It needs directory: Directory of the log files.',
  );
});

test('the error for an unknown template lists all templates', () => {
  expect(() => fromTemplate('backup', {})).toThrow(
    'There is no template backup; there are database-backup, log-cleanup, disk-monitor, data-sync, rotate-secrets.',
  );
});

test('name and values can be given', () => {
  const job = fromTemplate('disk-monitor', { percent: '75' }, 'root-disk');
  expect(job.metadata.name).toBe('root-disk');
  expect(job.spec.env).toEqual([{ name: 'PERCENT', value: '75' }]);
});

test('a parameter that is a command stands in the command, in quotes, where its check reads it', () => {
  const commands = { generate: `printf '%s' "$&"`, verify: './use-key "$API_KEY"' };
  const { spec } = fromTemplate('rotate-secrets', { key: 'API_KEY', environment: 'prod', ...commands });
  expect(spec.env?.map(({ name }) => name)).toEqual(['KEY', 'ENVIRONMENT', 'OVERLAP', 'EVERY']);
  expect(spec.command).toContain(
    `--generate 'printf '\\''%s'\\'' "$&"' --verify './use-key "$API_KEY"' --retire 'true'`,
  );
  const dangerous = fromTemplate('rotate-secrets', {
    key: 'A',
    environment: 'b',
    ...commands,
    retire: 'rm -rf /',
  });
  expect(checkCommand(parseManifest(dangerous, 'local').spec).allowed).toBe(false);
});
