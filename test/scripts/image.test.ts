// What the image is built on, as far as the Dockerfile says it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('the base of the image is pinned, with the Node that the tests run on', () => {
  const { optionalDependencies } = JSON.parse(readFileSync('scripts/node/package.json', 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  const [, base] = /^ARG BASE=(.+)$/m.exec(readFileSync('Dockerfile', 'utf8'))!;
  const [name, digest] = base!.split('@');
  for (const platform of ['x64', 'arm64'])
    expect(name).toBe(`docker.io/library/node:${optionalDependencies[`node-linux-${platform}`]}-slim`);
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
});
