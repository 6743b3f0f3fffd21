// Each format gives the program that reads it exactly the values, and a value it cannot hold is refused.
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'dotenv';
import { exportText } from '../../../src/secrets/env-file/export.ts';
import { importedValues } from '../../../src/secrets/env-file/foreign.ts';
import { seeded } from '../../support/seed.ts';

const TRICKY = new Map([
  ['A', `it's "both" \\n $HOME \`x\``],
  ['B', 'one\ntwo\n'],
  ['C', ''],
  ['D', '日本 🎉'],
]);

const withoutNul = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));

describe('export', () => {
  test('a shell reads back any value', () => {
    fc.assert(
      fc.property(withoutNul, (value) => {
        const script = `${exportText('shell', new Map([['X', value]]), '')}printf '%s' "$X"`;
        expect(spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).stdout).toBe(value);
      }),
      seeded({ numRuns: 50 }),
    );
  });

  test('dotenv reads back what has a spelling', () => {
    const { A: _, ...rest } = Object.fromEntries(TRICKY);
    expect({ ...parse(exportText('dotenv', new Map(Object.entries(rest)), '')) }).toEqual(rest);
  });

  test('docker and GitHub', () => {
    expect(exportText('docker', new Map([['A', ' "x" # y ']]), '')).toBe('A= "x" # y \n');
    expect(exportText('github', TRICKY, 'EOF_1')).toContain(
      'B<<EOF_1\none\ntwo\n\nEOF_1\nC<<EOF_1\n\nEOF_1\n',
    );
  });

  test('refuses by name what the other program cannot hold', () => {
    expect(() => exportText('docker', TRICKY, '')).toThrow(
      /B cannot be exported as docker: its value has several lines/,
    );
    expect(() => exportText('shell', new Map([['a.b', '1']]), '')).toThrow(
      /a\.b cannot be exported as shell/,
    );
  });
});

describe('import', () => {
  test('env files and JSON', () => {
    expect([...importedValues('export A=1\nB="x\ny"\n', 'f')]).toEqual([
      ['A', '1'],
      ['B', 'x\ny'],
    ]);
    expect([...importedValues('{"A": "1", "B": 2, "C": true}', 'f')].map(([, value]) => value)).toEqual([
      '1',
      '2',
      'true',
    ]);
  });

  test.each([
    ['sops', 'A=ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nsops_version=3.9\n'],
    ['sops', '{"A": "ENC[AES256_GCM,data:x]", "sops": {}}'],
    ['dotenvx', 'DOTENV_PUBLIC_KEY="03"\nA="encrypted:BDqD"\n'],
    ['dotenv-vault', 'DOTENV_VAULT_DEVELOPMENT="x"\n'],
  ])('says that %s decrypts its files', (program, text) => {
    expect(() => importedValues(text, 'f')).toThrow(
      `f is encrypted by ${program}, which alone can decrypt it.`,
    );
  });

  test.each(['', '# c\n', '{', '{}', '{"A": {}}', '{"A": null}'])('refuses %j', (text) => {
    expect(() => importedValues(text, 'f')).toThrow(
      expect.objectContaining({ code: 'SECRETS_IMPORT_INVALID' }),
    );
  });
});
