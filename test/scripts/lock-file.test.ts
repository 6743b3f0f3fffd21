// Every package of a checkout is the one that the lock file names by its hash, the Node of `npm run` among them.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { tempDir } from '../support/temp-dir.ts';

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  bin?: Record<string, string>;
  os?: string | string[];
  cpu?: string | string[];
}

const LOCKED = (JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> })
  .packages;

test('each package of the lock file has its hash', () => {
  const fromRegistry = Object.entries(LOCKED).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && !link,
  );
  expect(fromRegistry.length).toBeGreaterThan(100);
  expect(fromRegistry.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-'))).toEqual([]);
});

test.each([
  ['linux', 'x64'],
  ['linux', 'arm64'],
  ['darwin', 'x64'],
  ['darwin', 'arm64'],
])('the lock file has one Node 24 for %s on %s', (os, cpu) => {
  const nodes = Object.entries(LOCKED).filter(
    ([path, { bin }]) => bin !== undefined && 'node' in bin && /^node_modules\/[^/]+$/.test(path),
  );
  const installed = nodes.filter(([, locked]) => locked.os?.includes(os) && locked.cpu?.includes(cpu));
  expect(installed.map(([, { version }]) => version?.split('.')[0])).toEqual(['24']);
});

/** Writes an `npm` that says how it was called, and fails; answers with its folder and the file of its words. */
function aRefusingNpm(): { folder: string; calls: string } {
  const folder = tempDir();
  const calls = join(folder, 'calls');
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\necho "npm $*" >>'${calls}'\nexit 1\n`, { mode: 0o755 });
  return { folder, calls };
}

test('an installation runs no second npm, and its scripts run on Node 24', ({ skip }) => {
  const checkout = tempDir();
  const links = Object.values(LOCKED).flatMap(({ link, resolved }) =>
    link ? [`${resolved}/package.json`] : [],
  );
  for (const file of ['package.json', 'package-lock.json', '.npmrc', ...links])
    cpSync(file, join(checkout, file));
  const { folder, calls } = aRefusingNpm();
  const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  const { status, stderr } = spawnSync(npm, ['ci', '--offline'], {
    cwd: checkout,
    env: { ...process.env, TMPDIR: folder, PATH: `${folder}${delimiter}${process.env['PATH']}` },
    encoding: 'utf8',
  });
  if (!process.env['CI'] && stderr.includes('ENOTCACHED'))
    skip('npm’s cache lacks packages of the lock file');
  expect(existsSync(calls) ? readFileSync(calls, 'utf8') : '').toBe('');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const node = execFileSync(join(checkout, 'node_modules/.bin/node'), ['--version'], { encoding: 'utf8' });
  expect(node).toMatch(/^v24\./);
});
