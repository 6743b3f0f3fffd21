// The steps of a rotation as variables of an env file.
import { describe, expect, test } from 'vitest';
import { EnvFile } from '../../../src/secrets/env-file/env-file.ts';
import {
  ended,
  generated,
  promoted,
  rejected,
  rotationOf,
  rotationsIn,
} from '../../../src/secrets/use/rotation.ts';

const AT = Date.parse('2026-11-30T02:00:00Z');
const UNTIL = Date.parse('2026-12-01T02:00:00Z');
const TEXT = '# the key of the shop\nKEY="old" # from the provider\nOTHER=1\n';
const file = new EnvFile(TEXT);
const step = (next: EnvFile) => rotationOf(next, 'prod', 'KEY');

describe('the steps', () => {
  test('stand in the file, and another process reads them back', () => {
    expect(step(file)).toBeUndefined();
    const beside = generated(file, 'KEY', 'new', AT);
    expect(step(beside)).toEqual({ step: 'generated', at: AT, value: 'new' });
    expect(beside.values.get('KEY')).toBe('old');
    expect(step(rejected(beside, 'KEY', AT))).toEqual({ step: 'rejected', at: AT, value: 'new' });
    const inUse = promoted(beside, 'KEY', AT, UNTIL);
    expect(step(inUse)).toEqual({ step: 'promoted', at: AT, until: UNTIL, value: 'old' });
    expect(inUse.values.get('KEY')).toBe('new');
  });

  test('leave the rest of the file as it was', () => {
    const beside = generated(file, 'KEY', 'new', AT);
    expect(ended(beside, 'KEY').text).toBe(TEXT);
    const after = TEXT.replace('"old"', 'new');
    expect(promoted(beside, 'KEY', AT, undefined).text).toBe(after);
    expect(ended(promoted(beside, 'KEY', AT, UNTIL), 'KEY').text).toBe(after);
  });
});

test.each([
  ['KEY_NEXT=mine\n', 'there is a variable KEY_NEXT without KEY_ROTATION'],
  ['KEY_PREVIOUS=mine\n', 'there is a variable KEY_PREVIOUS without KEY_ROTATION'],
  ['KEY_ROTATION=daily\n', 'KEY_ROTATION names no step'],
  ['KEY_ROTATION="generated soon"\nKEY_NEXT=a\n', 'KEY_ROTATION names no step'],
  ['KEY_ROTATION="promoted 2026-11-30T02:00:00Z until soon"\nKEY_PREVIOUS=a\n', 'KEY_ROTATION names no step'],
  ['KEY_ROTATION="generated 2026-11-30T02:00:00Z"\n', 'KEY_ROTATION is there, and no KEY_NEXT'],
])('%j is no rotation, and nothing guesses what it is', (more, detail) => {
  expect(() => step(new EnvFile(TEXT + more))).toThrow(detail);
});

test('every rotation of a file is found, and a variable of another purpose is none', () => {
  const { text } = generated(generated(file, 'KEY', 'new', AT), 'OTHER', 'new', AT);
  const all = new EnvFile(`${text}LOG_ROTATION=daily\nLOST_ROTATION="rejected 2026-11-30T02:00:00Z"\n`);
  expect(rotationsIn(all, 'prod')).toMatchObject([
    { key: 'KEY', rotation: { step: 'generated' } },
    { key: 'OTHER', rotation: { step: 'generated' } },
    { key: 'LOST', rotation: { code: 'ROTATION_UNCLEAR' } },
  ]);
});
