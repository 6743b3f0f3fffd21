import { LshError } from '../../src/core/errors.ts';
import { located } from '../../src/cli/input/located.ts';
import { mkdtempSync, rmSync, writeFileSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseDocuments, readDocuments } from '../../src/cli/input/documents.ts';

const silent = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const io = (stdin = '') => ({
  stdin: Readable.from([stdin]),
  stdout: silent(),
  stderr: silent(),
  now: () => 0,
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lsh-documents-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const names = (documents: { value: unknown }[]) =>
  documents.map(({ value }) => (value as { metadata: { name: string } }).metadata.name);

describe('documents', () => {
  test('bytes that are not UTF-8 are refused, not replaced', async () => {
    const file = join(directory, 'latin1.yaml');
    writeFileSync(file, Buffer.from('command: /srv/caf\xe9\n', 'latin1'));
    await expect(readDocuments(io(), file)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(`${file} cannot be read: it has bytes that are not UTF-8`),
    });
  });

  test('reads several from one file, without empty ones', () => {
    const documents = parseDocuments(
      '---\n---\nmetadata: {name: a}\n---\n# nothing\n---\nmetadata: {name: b}\n',
      'f',
    );
    expect(names(documents)).toEqual(['a', 'b']);
  });

  test('reads the items of a List and of a sequence as documents', () => {
    expect(
      names(parseDocuments('kind: List\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n', 'f')),
    ).toEqual(['a', 'b']);
    expect(names(parseDocuments('[{"metadata":{"name":"a"}}]', 'f'))).toEqual(['a']);
  });

  test('locates a field by its path, with line and column', () => {
    const [document] = parseDocuments(
      'metadata:\n  name: a\nspec:\n  env:\n    - name: A\n      value: 1\n',
      'job.yaml',
    );
    expect(document?.where('spec.env[0].value')).toBe('job.yaml:6:7');
    expect(document?.where('spec.env')).toBe('job.yaml:4:3');
    expect(document?.where('')).toBe('job.yaml:1:1');
  });

  test('locates a missing field at its nearest ancestor', () => {
    const [document] = parseDocuments('metadata:\n  name: a\nspec:\n  command: x\n', 'job.yaml');
    expect(document?.where('spec.schedule')).toBe('job.yaml:3:1');
  });

  test('locates fields in a second document and inside a list', () => {
    const [, second] = parseDocuments('a: 1\n---\nspec:\n  bad: 1\n', 'f');
    expect(second?.where('spec.bad')).toBe('f:4:3');
    const [item] = parseDocuments('kind: List\nitems:\n- spec:\n    bad: 1\n', 'f');
    expect(item?.where('spec.bad')).toBe('f:4:5');
  });

  test('reports broken syntax with its position, and reads the documents around it', () => {
    const [bad, good] = parseDocuments('a: [1\n---\nmetadata: {name: b}\n', 'f');
    expect(bad?.problems[0]?.path).toMatch(/^f:\d+:\d+$/);
    expect(names([good!])).toEqual(['b']);
  });

  test('reports a duplicate key', () => {
    expect(parseDocuments('a: 1\na: 2\n', 'f')[0]?.problems).toEqual([
      { path: 'f:2:1', message: 'Map keys must be unique' },
    ]);
  });

  test('reports aliases that expand without limit, and does not hang', () => {
    const levels = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [name, of] of ['ba', 'cb', 'dc', 'ed'].map((pair) => pair.split(''))) {
      levels.push(`${name}: &${name} [*${of},*${of},*${of},*${of},*${of},*${of},*${of},*${of},*${of}]`);
    }
    const [document] = parseDocuments(levels.join('\n'), 'f');
    expect(document?.problems[0]?.message).toMatch(/alias/i);
  });

  test('reads the files of a directory in the order of their names, and stdin for -', async () => {
    writeFileSync(join(directory, 'b.yml'), 'metadata: {name: b}');
    writeFileSync(join(directory, 'a.json'), '{"metadata": {"name": "a"}}');
    writeFileSync(join(directory, 'notes.txt'), 'not: read');
    expect(names(await readDocuments(io(), directory))).toEqual(['a', 'b']);
    expect(names(await readDocuments(io('metadata: {name: in}'), '-'))).toEqual(['in']);
  });

  test('refuses a file or stdin of more than 16 MiB before it reads it as YAML', async () => {
    const path = join(directory, 'large.yaml');
    writeFileSync(path, '');
    truncateSync(path, 16 * 1024 * 1024 + 1);
    const refusal = {
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('more than 16 MiB') as string,
    };
    await expect(readDocuments(io(), path)).rejects.toMatchObject(refusal);
    await expect(readDocuments(io(' '.repeat(16 * 1024 * 1024 + 1)), '-')).rejects.toMatchObject(refusal);
  });

  test('names each key that stands twice, fifty at most', () => {
    expect(parseDocuments('a: 1\nb: {c: 1, c: 2}\na: 2\n', 'f')[0]?.problems).toEqual([
      { path: 'f:3:1', message: 'Map keys must be unique' },
      { path: 'f:2:11', message: 'Map keys must be unique' },
    ]);
    expect(parseDocuments('a: 1\n'.repeat(100), 'f')[0]?.problems).toHaveLength(50);
  });

  test('refuses more than 100 aliases', () => {
    const text = (aliases: number) =>
      `a: &a 1\nb: [${Array.from({ length: aliases }, () => '*a').join(', ')}]\n`;
    expect(parseDocuments(text(50), 'f')[0]?.problems).toEqual([]);
    expect(parseDocuments(text(101), 'f')[0]?.problems).toMatchObject([
      { message: 'A document may have at most 100 aliases' },
    ]);
  });

  test('reports a missing file as FILE_UNREADABLE', async () => {
    await expect(readDocuments(io(), join(directory, 'none.yaml'))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('no such file'),
    });
  });
});

test('located problems stand in the order of their lines', () => {
  const text = 'spec:\n  command: 1\n  schedule: 2\n  tags: 3\n';
  const [document] = parseDocuments(text, 'job.yaml');
  const problems = ['spec.tags', 'spec.command', 'spec.schedule'].map((path) => ({ path, message: 'wrong' }));
  const error = located(
    document!,
    new LshError('JOB_INVALID', { detail: 'wrong' }, { problems }),
  ) as LshError;
  expect(error.problems.map(({ path }) => path)).toEqual([
    'job.yaml:2:3: spec.command',
    'job.yaml:3:3: spec.schedule',
    'job.yaml:4:3: spec.tags',
  ]);
});
