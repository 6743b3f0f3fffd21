// Bundles the program into dist/. To find and link a module costs a start a millisecond, so what every start
// needs is one file: the command line, or the daemon. What single commands import dynamically is apart.
// .cache/bundle.json says what went into it; `npm run sbom` makes the bill of materials of that.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const ERRORS = 'core/errors.ts';

const require = createRequire(import.meta.url);

/** Packages in CommonJS that most processes never come to need: here the reading of unusual cron fields. */
const LATE_PACKAGES = new Set(['cron-parser']);

/**
 * An `import` of one of Node's modules loads it at once and reads all its exports; reading those of node:http
 * loads the whole of fetch: 30 ms of each start. Here a module is loaded when the first of its exports is used.
 * The entry is left alone: it has to run on a Node that does not know getBuiltinModule.
 */
const lateModules: Plugin = {
  name: 'late-modules',
  setup(bundler) {
    bundler.onResolve({ filter: /.*/ }, ({ path, importer }) => {
      if (LATE_PACKAGES.has(path) && importer !== '') {
        // Asked for by the stand-in below it is the package itself.
        return importer === path ? undefined : { path, namespace: 'late-package' };
      }
      if (!isBuiltin(path) || importer.endsWith('/cli/main.ts')) return undefined;
      return { path: path.startsWith('node:') ? path : `node:${path}`, namespace: 'builtin' };
    });
    bundler.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: lateModule(
        process.getBuiltinModule(path),
        `process.getBuiltinModule(${JSON.stringify(path)})`,
      ),
    }));
    bundler.onLoad({ filter: /.*/, namespace: 'late-package' }, ({ path }) => ({
      contents: lateModule(require(path), `require(${JSON.stringify(path)})`),
      resolveDir: process.cwd(),
    }));
  },
};

function lateModule(exports: unknown, load: string): string {
  // A class, such as node:events, has to be itself.
  if (typeof exports !== 'object' || exports === null) return `module.exports = ${load}`;
  const names = JSON.stringify(Object.keys(exports));
  // On the prototype, because own properties are copied for each file that imports the module.
  return `let loaded;
const late = {};
for (const name of ${names}) Object.defineProperty(late, name, { get: () => (loaded ??= ${load})[name] });
module.exports = Object.create(late);`;
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
  plugins: [separateFiles, lateModules],
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;
const { metafile: whole } = await build({ ...common, entryPoints: entryPoints(Object.keys(WHOLE)) });
let parts: Metafile = { inputs: {}, outputs: {} };
// What comes on demand may ask for more of the kind; then what is shared is cut anew.
for (let known = 0; known < onDemand.size;) {
  known = onDemand.size;
  for (const file of Object.keys(parts.outputs)) rmSync(file);
  // In an order of its own: they are found in that of files read at the same time, and what is shared follows it.
  const files = [...onDemand].toSorted();
  const entries = { entryPoints: entryPoints(files), splitting: true, chunkNames: 'shared-[hash]' };
  parts = (await build({ ...common, ...entries })).metafile;
}
mkdirSync('.cache', { recursive: true });
writeFileSync(
  '.cache/bundle.json',
  JSON.stringify(
    withoutStandIns({
      inputs: { ...whole.inputs, ...parts.inputs },
      outputs: { ...whole.outputs, ...parts.outputs },
    }),
  ),
);

/** What the plugins above put in front of a module is no part of its own: who imports it imports the module. */
function withoutStandIns({ inputs, outputs }: Metafile): Metafile {
  const standsIn = (path: string) => /^(?:builtin|late-package):/.test(path);
  const real = <T>(files: Record<string, T>): [string, T][] =>
    Object.entries(files).filter(([path]) => !standsIn(path));
  const follow = (path: string) => inputs[path]?.imports ?? [];
  return {
    inputs: Object.fromEntries(
      real(inputs).map(([path, input]) => {
        const imports = input.imports.flatMap((one) => (standsIn(one.path) ? follow(one.path) : [one]));
        return [path, { ...input, imports }];
      }),
    ),
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([path, output]) => [
        path,
        { ...output, inputs: Object.fromEntries(real(output.inputs)) },
      ]),
    ),
  };
}
