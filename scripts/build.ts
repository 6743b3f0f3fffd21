// Bundles the program into dist/. To find and link a module costs a start a millisecond, so what every start
// needs is one file: the command line, or the daemon. What single commands import dynamically is apart.
import { readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const ERRORS = 'core/errors.ts';

/**
 * An `import` of one of Node's modules loads it at once and reads all its exports; reading those of node:http
 * loads the whole of fetch: 30 ms of each start. Here a module is loaded when the first of its exports is used.
 * The entry is left alone: it has to run on a Node that does not know getBuiltinModule.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(bundler) {
    bundler.onResolve({ filter: /.*/ }, ({ path, importer }) => {
      if (!isBuiltin(path) || importer.endsWith('/cli/main.ts')) return undefined;
      return { path: path.startsWith('node:') ? path : `node:${path}`, namespace: 'builtin' };
    });
    bundler.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: lazyModule(path) }));
  },
};

function lazyModule(path: string): string {
  const load = `process.getBuiltinModule(${JSON.stringify(path)})`;
  const exports: unknown = process.getBuiltinModule(path);
  // A class, such as node:events, has to be itself.
  if (typeof exports !== 'object' || exports === null) return `module.exports = ${load}`;
  const names = JSON.stringify(Object.keys(exports));
  // On the prototype, because own properties are copied for each file that imports the module.
  return `let loaded;
const lazy = {};
for (const name of ${names}) Object.defineProperty(lazy, name, { get: () => (loaded ??= ${load})[name] });
module.exports = Object.create(lazy);`;
}

/** Each is one file. What two of them use is in both; errors are told by their class, so there is one of that. */
const WHOLE: Record<string, string> = {
  'cli/main.ts': 'lsh',
  'cli/run.ts': 'cli',
  'cli/daemon-run.ts': 'daemon',
  [ERRORS]: 'errors',
};

/** What a whole file imports dynamically. */
const onDemand = new Set<string>();

/** Leaves imports of the errors, and of what comes on demand, to the moment when the program runs. */
const separateFiles: Plugin = {
  name: 'separate-files',
  setup(bundler) {
    bundler.onResolve({ filter: /\.ts$/ }, ({ path, resolveDir, kind }) => {
      const file = relative('src', resolve(resolveDir, path));
      if (kind !== 'dynamic-import' && (kind === 'entry-point' || file !== ERRORS)) return undefined;
      if (!(file in WHOLE)) onDemand.add(file);
      return { path: `./${outputName(file)}.js`, external: true };
    });
  },
};

function outputName(file: string): string {
  return WHOLE[file] ?? file.replace('.ts', '').replaceAll('/', '-');
}

function entryPoints(files: Iterable<string>): Record<string, string> {
  return Object.fromEntries([...files].map((file) => [outputName(file), join('src', file)]));
}

rmSync('dist', { recursive: true, force: true });
const common = {
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  // Identifiers stay as they are, for the sake of stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  define: { __LSH_VERSION__: JSON.stringify(version) },
  plugins: [separateFiles, lazyBuiltins],
  logLevel: 'warning',
} satisfies BuildOptions;
await build({ ...common, entryPoints: entryPoints(Object.keys(WHOLE)) });
// What comes on demand may ask for more of the kind.
for (let known = 0; known < onDemand.size;) {
  known = onDemand.size;
  await build({
    ...common,
    entryPoints: entryPoints(onDemand),
    splitting: true,
    chunkNames: 'shared-[hash]',
  });
}
