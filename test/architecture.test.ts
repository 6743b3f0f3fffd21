// The layers and the single importers, held by a test. docs/architecture.md explains them.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../src');

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));

/** Static and dynamic imports, of values and of types. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from\s+|import\s+|import\()'([^']+)'/g)].map((match) => match[1]!);
}

const ADAPTERS = ['kubernetes', 'local', 'runners', 'stores', 'telemetry', 'secrets', 'calendars', 'notices'];
const ADAPTER_MAY_IMPORT = ['core/**', 'control', 'contracts'];

/** What each room may import from src beside itself. `core` is the files at its top alone, `core/**` all of it. */
const MAY_IMPORT: Record<string, string[]> = {
  'version.ts': [],
  core: ['core/spec', 'core/notices', 'core/backfill'],
  'core/spec': ['core', 'core/notices'],
  'core/backfill': ['core', 'core/schedule'],
  'core/schedule': ['core', 'core/spec'],
  'core/command-check': ['core', 'core/spec'],
  'core/validate': ['core', 'core/spec', 'core/schedule'],
  'core/import': ['core', 'core/spec', 'core/schedule', 'core/validate', 'core/command-check'],
  'core/notices': ['core'],
  'core/decide': ['core', 'core/spec', 'core/schedule', 'core/notices', 'core/backfill'],
  'core/redaction': [],
  'core/record': ['core', 'core/spec', 'core/redaction', 'core/validate'],
  contracts: ['core/**'],
  control: ['core/**'],
  config: ['core/**'],
  'config.ts': ['core/**', 'config'],
  ...Object.fromEntries(ADAPTERS.map((adapter) => [adapter, ADAPTER_MAY_IMPORT])),
  // What a stranger could use without lsh.
  'kubernetes/api': ['core', 'control'],
  'kubernetes/objects': ['core/**', 'kubernetes/api'],
  'kubernetes/operator': ['core/**', 'control', 'kubernetes/api', 'kubernetes/objects'],
  'kubernetes/verbs': ['core/**', 'contracts', 'kubernetes/api', 'kubernetes/objects'],
  'runners/subprocess': [...ADAPTER_MAY_IMPORT, 'runners'],
  'runners/remote': [...ADAPTER_MAY_IMPORT, 'runners', 'runners/subprocess'],
  processes: ['**'],
  cli: [
    'version.ts',
    'config.ts',
    'config',
    'core/**',
    'contracts',
    'processes/**',
    'local/**',
    'kubernetes/objects',
  ],
};
/** Imports of the command line and of processes point to the left as well. */
const NEVER: Record<string, string[]> = { processes: ['cli'] };

function roomOf(file: string): string {
  for (let room = file; room !== '.'; room = dirname(room)) if (room in MAY_IMPORT) return room;
  return file;
}

function mayImport(room: string, target: string): boolean {
  if (room === target) return true;
  if (NEVER[room]?.includes(target)) return false;
  return MAY_IMPORT[room]!.some(
    (allowed) =>
      allowed === target || (allowed.endsWith('**') && target.startsWith(allowed.replace(/\/?\*\*$/, ''))),
  );
}

/** Package or built-in module -> the only places that may import it. */
const ONLY_IMPORTED_BY: Record<string, RegExp> = {
  'ical.js': /^calendars\//,
  '@kubernetes/client-node': /^kubernetes\//,
  'node:sqlite': /^stores\//,
  '@supabase/supabase-js': /^stores\//,
  pg: /^stores\/supabase\//,
  'cron-parser': /^core\/schedule\//,
  pino: /^telemetry\/log\.ts$/,
  // runners/subprocess/files.ts says why the daemon does without.
  'node:fs/promises': /^cli\//,
  commander: /^cli\//,
  nodemailer: /^notices\/kinds\//,
  '@opentelemetry/sdk-trace': /^telemetry\/traces\//,
  '@opentelemetry/exporter-trace-otlp-proto': /^telemetry\/traces\//,
};

describe('layers', () => {
  test.each(files)('$file imports only what its room may', ({ file, text }) => {
    const room = roomOf(file);
    expect(MAY_IMPORT, `unknown room of ${file}`).toHaveProperty([room]);
    const forbidden = importsOf(text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => relative(ROOT, join(ROOT, file, '..', specifier)))
      .filter((target) => !mayImport(room, roomOf(target)));
    expect(forbidden).toEqual([]);
  });

  const core = files.filter(({ file }) => file.startsWith('core/'));
  test.each(core)('$file is pure', ({ text }) => {
    expect(importsOf(text).filter((specifier) => specifier.startsWith('node:'))).toEqual([]);
    expect(withoutComments(text)).not.toMatch(
      /Date\.now\(|new Date\(\)|Math\.random\(|setTimeout|setInterval|\bprocess\./,
    );
  });

  test('kubernetes/objects maps objects: it takes types alone from the client library', () => {
    const values = files
      .filter(({ file }) => file.startsWith('kubernetes/objects/'))
      .filter(({ text }) => /import (?!type)[^;]*'@kubernetes\/client-node'/.test(text));
    expect(values.map(({ file }) => file)).toEqual([]);
  });
});

test('no folder has more than 15 files at one level', () => {
  const sizes = Map.groupBy(files, ({ file }) => dirname(file));
  expect([...sizes].filter(([, inside]) => inside.length > 15).map(([folder]) => folder)).toEqual([]);
});

describe('single importers', () => {
  test.each(Object.entries(ONLY_IMPORTED_BY))('%s is imported only where it belongs', (name, place) => {
    const importers = files.filter(({ text }) => importsOf(text).includes(name)).map(({ file }) => file);
    expect(importers.filter((file) => !place.test(file))).toEqual([]);
  });

  test.each([
    ['process.env', /process\.env\b/, 'config.ts'],
    ['process.exit', /process\.exit\b(?!\.code\b)|process\.exitCode\b/, 'cli/main.ts'],
  ])('%s is used in one file', (_, pattern, place) => {
    const users = files.filter(({ text }) => pattern.test(withoutComments(text))).map(({ file }) => file);
    expect(users.filter((file) => file !== place)).toEqual([]);
  });

  // cli/main.ts writes before anything is loaded, and only text of its own.
  test.each([
    ['console', /\bconsole\./, []],
    [
      'a standard stream',
      /\bstd(?:out|err)\b\]?\.write\(|\[stream\]\.write\(|\bstream\.write\(/,
      ['cli/main.ts', 'cli/output/print.ts', 'cli/output/progress.ts'],
    ],
  ])('text reaches %s only where control characters are taken out of it', (_, pattern, places) => {
    const printers = files.filter(
      ({ file, text }) => file.startsWith('cli/') && pattern.test(withoutComments(text)),
    );
    expect(printers.map(({ file }) => file).sort()).toEqual(places);
  });
});

test('no test lets time pass: it waits for what happens', () => {
  // Exempt: waits for another process or program that announces nothing.
  const exempt = new Set(['architecture.test.ts', 'support/global-setup.ts', 'support/eventually.ts']);
  const sleepers = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !exempt.has(file))
    .filter((file) => /setTimeout|Atomics\.wait/.test(readFileSync(join(import.meta.dirname, file), 'utf8')));
  expect(sleepers).toEqual([]);
});

test('comments name their actors', () => {
  const vague = files.filter(({ text }) => /\/[/*].*\b(nobody|somebody|whoever|someone)\b/i.test(text));
  expect(vague.map(({ file }) => file)).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
