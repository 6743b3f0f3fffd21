// Everyday and dangerous commands in bulk. The validator parses them; nothing executes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkCommand } from '../../../src/core/command-check/command-check.ts';

/** Dangerous commands that may pass: a parser does not follow every spelling. */
const MAX_MISSES = 15;

function corpus(name: string): string[] {
  const file = join(import.meta.dirname, '../../fixtures/commands', name);
  const lines = readFileSync(file, 'utf8').split('\n');
  const commands = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return commands.map((line) => line.replaceAll('␤', '\n'));
}

test('no everyday command is refused', () => {
  const commands = corpus('everyday.txt');
  const refused = commands.flatMap((command) => {
    const { allowed, findings } = checkCommand({ command });
    return allowed ? [] : [`${command}  <-  ${findings[0]!.message}`];
  });
  expect(refused).toEqual([]);
  expect(new Set(commands).size).toBeGreaterThanOrEqual(400);
});

test('dangerous commands are refused, all but a few', () => {
  const commands = corpus('dangerous.txt');
  const passed = commands.filter((command) => checkCommand({ command }).allowed);
  if (passed.length > 0) console.log(`${passed.length} of ${commands.length} pass:\n${passed.join('\n')}`);
  expect(passed.length).toBeLessThanOrEqual(MAX_MISSES);
  expect(new Set(commands).size).toBeGreaterThanOrEqual(300);
});
