// What the image is built on, as far as the Dockerfile says it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('the base of the image is pinned, with the Node that the tests run on', () => {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    devDependencies: { node: string };
  };
  const [, base] = /^ARG BASE=(.+)$/m.exec(readFileSync('Dockerfile', 'utf8'))!;
  const [name, digest] = base!.split('@');
  expect(name).toBe(`docker.io/library/node:${devDependencies.node}-slim`);
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
});
