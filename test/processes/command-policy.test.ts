// Which commands a process executes: its own configuration decides before each execution.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandRefusal } from '../../src/processes/command-policy.ts';
import { aJob } from '../support/builders.ts';

test('an edit of the command is judged anew', () => {
  const refuse = commandRefusal({ allowList: ['curl'] });
  const { spec } = aJob({ command: 'curl localhost' });
  expect(refuse(spec, 'local/a')).toBeUndefined();
  expect(refuse({ ...spec, command: 'wget localhost' }, 'local/a')).toMatch(/wget/);
  expect(refuse(spec, 'local/a')).toBeUndefined();
});

test('a job that may run dangerous commands lends that to no other job with the same spec', () => {
  const refuse = commandRefusal({ dangerousJobs: ['trusted'] });
  const { spec } = aJob({ command: aDangerousCommand() });
  expect(refuse(spec, 'local/other')).toBeDefined();
  expect(refuse(spec, 'local/trusted')).toBeUndefined();
  expect(refuse(spec, 'local/other')).toBeDefined();
});

/** From the corpus; it is judged only. */
function aDangerousCommand(): string {
  const file = join(import.meta.dirname, '../fixtures/commands/dangerous.txt');
  return readFileSync(file, 'utf8')
    .split('\n')
    .find((line) => line !== '' && !line.startsWith('#'))!;
}
