// Twice the input takes at most 2.5 times the time, for every parser of texts that other people write.
import { describe, test } from 'vitest';
import { readPlainScript } from '../../src/core/command-check/plain-script.ts';
import { expectLinearTime } from '../support/linear-time.ts';

describe('a script under an allow-list', () => {
  test.each([
    'listed $(listed a) "b$C" \\\n && ',
    '( ',
    "$'",
    'for x in y; do ',
    '# x',
    '${X:-$A',
    '$\\\n',
    "'a'",
  ])('%j', async (part) => {
    const input = (size: number) => part.repeat(size / part.length);
    await expectLinearTime({ what: part, input, run: readPlainScript, size: 60_000 });
  });
});
