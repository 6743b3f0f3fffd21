// The package as npm makes it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import type { Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { BUNDLE } from '../support/daemon/bundle.ts';

/** What bundled packages use where it is there. */
const TRIED = new Set(['bufferutil', 'pg-native', 'supports-color', 'utf-8-validate']);

interface Packed {
  files: { path: string; mode: number }[];
}

describe('the package', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    // A copy, which no other build changes.
    cwd: join(dirname(BUNDLE), '..'),
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  const { files } = (JSON.parse(output) as Packed[])[0]!;
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>;

  test('has its command, which may be executed, and the script that npm runs after the installation', () => {
    const file = files.find(({ path }) => path === manifest['bin']!['lsh']);
    expect(file?.mode).toBe(0o755);
    const script = /sh (\S+)$/.exec(manifest['scripts']!['postinstall']!)![1];
    expect(files.map(({ path }) => path)).toContain(script);
  });

  test('has the program and documents, and nothing that they are made of', () => {
    const expected =
      /^(dist\/libexec\/fork-server-linux-\w+|dist\/[\w-]+(\.c?js|\.c?js\.map|\.sh|\.cdx\.json)?|CHANGELOG\.md|LICENSE|README\.md|package\.json)$/;
    expect(files.map(({ path }) => path).filter((path) => !expected.test(path))).toEqual([]);
  });

  test('is made of files alone, so that its bill of materials lists packages alone', () => {
    const { inputs } = JSON.parse(readFileSync('.cache/bundle.json', 'utf8')) as Metafile;
    expect(Object.keys(inputs)).toContain('src/cli/main.ts');
    expect(Object.keys(inputs).filter((path) => !existsSync(path))).toEqual([]);
  });

  const { outputs } = JSON.parse(readFileSync('.cache/bundle.json', 'utf8')) as Metafile;

  /** The modules that a program reads before it does anything. */
  function modulesOf(program: string): string[] {
    const loaded = new Set<string>();
    const visit = (path: string): void => {
      if (loaded.has(path)) return;
      loaded.add(path);
      for (const { path: next, kind } of outputs[path]?.imports ?? [])
        if (kind === 'import-statement') visit(next);
    };
    visit(Object.keys(outputs).find((path) => path.endsWith(`/${program}`))!);
    return [...loaded].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
  }

  test('starts commands without the libraries of schemas, of YAML and of age, which only some of them load', () => {
    const modules = modulesOf('cli.js');
    expect(modules).toContain('src/cli/program.ts');
    const late = /node_modules\/(valibot|yaml|age-encryption|@noble)\//;
    expect(modules.filter((path) => late.test(path))).toEqual([]);
  });

  test('starts common commands from a small file, without the verbs that few calls need', () => {
    const [, cli] = Object.entries(outputs).find(([path]) => path.endsWith('/cli.js'))!;
    // A third of it are the texts of help: each flag of `add` has its own.
    expect(cli.bytes).toBeLessThanOrEqual(164_000);
    const verbs = modulesOf('cli.js').filter((path) => path.startsWith('src/cli/commands/cron/'));
    expect(verbs).toContain('src/cli/commands/cron/add.ts');
    expect(verbs).not.toContain('src/cli/commands/cron/validate.ts');
  });

  test('has each other verb in one file: a start takes a millisecond for each file that it opens', () => {
    const commands = Object.entries(outputs).filter(([path]) =>
      /\/cli-commands-(?:cron-(?:explain|get|history|validate)|secrets-(?:list|run)|key-own)\.js$/.test(path),
    );
    expect(commands.length).toBe(7);
    for (const [, { imports }] of commands) {
      const opened = imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path);
      expect(opened.filter((path) => path !== './errors.js')).toEqual([]);
    }
  });

  test.each(['processes-secrets-push.js', 'processes-secrets-run-command.js'])(
    'has all of %s in one file, without the client of Supabase and the cryptography in JavaScript',
    (program) => {
      const [, { imports }] = Object.entries(outputs).find(([path]) => path.endsWith(`/${program}`))!;
      const opened = imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path);
      expect(opened.filter((path) => path !== './errors.js')).toEqual([]);
      const modules = modulesOf(program);
      expect(modules).toContain('node_modules/age-encryption/dist/index.js');
      const late = /node_modules\/(@supabase|@noble\/(curves|post-quantum))\//;
      expect(modules.filter((path) => late.test(path))).toEqual([]);
    },
  );

  test.each(['cli.js', 'daemon.js'])('starts %s without packages that few processes need', (program) => {
    const rare = /node_modules\/(cron-parser|luxon|sonic-boom|thread-stream)\//;
    expect(modulesOf(program).filter((path) => rare.test(path))).toEqual([]);
  });

  test.each(['cli.js', 'daemon.js', 'processes-operator-controller.js'])(
    'starts %s without OpenTelemetry, which only traces need',
    (program) => {
      const modules = modulesOf(program);
      expect(modules.length).toBeGreaterThan(1);
      // prom-client has the API, which does nothing by itself.
      const sdk = /node_modules\/@opentelemetry\/(?!api\/)/;
      expect(modules.filter((path) => sdk.test(path))).toEqual([]);
    },
  );

  test('needs no other package: all are bundled', () => {
    const imported = Object.values(outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    expect(imported).toContain('./errors.js');
    const packages = imported.filter((path) => !/^(\.|dist\/)/.test(path) && !isBuiltin(path));
    expect(packages.filter((name) => !TRIED.has(name))).toEqual([]);
    expect(manifest).not.toHaveProperty('dependencies');
  });
});
