// The layers and the single importers, held by a test. docs/architecture.md explains them.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../src');

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, layer: layerOf(file), text: readFileSync(join(ROOT, file), 'utf8') }));

function layerOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace('.ts', '');
}

/** Static and dynamic imports, of values and of types. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from\s+|import\s+|import\()'([^']+)'/g)].map((match) => match[1]!);
}

const ADAPTERS = ['kubernetes', 'local', 'runners', 'stores', 'telemetry', 'secrets'];

/** What each layer may import from src, itself aside. */
const MAY_IMPORT: Record<string, string[]> = {
  version: [],
  core: [],
  control: ['core'],
  contracts: ['core'],
  config: ['core'],
  ...Object.fromEntries(ADAPTERS.map((adapter) => [adapter, ['core', 'control', 'contracts']])),
  processes: ['version', 'core', 'control', 'contracts', 'config', ...ADAPTERS],
  // The command line talks to the daemon’s client and finds its files; everything else goes through processes.
  cli: ['version', 'core', 'control', 'contracts', 'config', 'processes', 'local'],
};

/** Package or built-in module -> the only places that may import it. */
const ONLY_IMPORTED_BY: Record<string, RegExp> = {
  '@kubernetes/client-node': /^kubernetes\//,
  'node:sqlite': /^stores\//,
  '@supabase/supabase-js': /^stores\//,
  'cron-parser': /^core\/schedule/,
  pino: /^telemetry\/log\.ts$/,
  commander: /^cli\//,
};

describe('layers', () => {
  test.each(files)('$file imports only what its layer may', ({ file, layer, text }) => {
    const allowed = MAY_IMPORT[layer];
    expect(allowed, `unknown layer ${layer}`).toBeDefined();
    const foreign = importsOf(text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => relative(ROOT, join(ROOT, file, '..', specifier)))
      .filter((target) => layerOf(target) !== layer && !allowed!.includes(layerOf(target)));
    expect(foreign).toEqual([]);
  });

  test.each(files.filter(({ layer }) => layer === 'core'))('$file is pure', ({ text }) => {
    expect(importsOf(text).filter((specifier) => specifier.startsWith('node:'))).toEqual([]);
    expect(withoutComments(text)).not.toMatch(
      /Date\.now\(|new Date\(\)|Math\.random\(|setTimeout|setInterval|\bprocess\./,
    );
  });
});

describe('single importers', () => {
  test.each(Object.entries(ONLY_IMPORTED_BY))('%s is imported only where it belongs', (name, place) => {
    const importers = files.filter(({ text }) => importsOf(text).includes(name)).map(({ file }) => file);
    expect(importers.filter((file) => !place.test(file))).toEqual([]);
  });

  test.each([
    ['process.env', /process\.env\b/, 'config.ts'],
    ['process.exit', /process\.exit\b|process\.exitCode\b/, 'cli/main.ts'],
  ])('%s is used in one file', (_, pattern, place) => {
    const users = files.filter(({ text }) => pattern.test(withoutComments(text))).map(({ file }) => file);
    expect(users.filter((file) => file !== place)).toEqual([]);
  });

  test('nothing prints but through its output', () => {
    expect(
      files.filter(({ text }) => /console\./.test(withoutComments(text))).map(({ file }) => file),
    ).toEqual([]);
  });
});

test('no test lets time pass: it waits for what happens', () => {
  // Only where nobody tells: processes that are ending, and what another program is asked for until it is so.
  const exempt = new Set(['architecture.test.ts', 'support/global-setup.ts', 'support/eventually.ts']);
  const sleepers = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !exempt.has(file))
    .filter((file) => /setTimeout|Atomics\.wait/.test(readFileSync(join(import.meta.dirname, file), 'utf8')));
  expect(sleepers).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
