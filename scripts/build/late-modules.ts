// An esbuild plugin: the bundle loads built-in modules and packages that few processes need at their first use.
import { createRequire, isBuiltin } from 'node:module';
import type { Plugin } from 'esbuild';

const require = createRequire(import.meta.url);
const fromPino = createRequire(require.resolve('pino'));
const fromAge = createRequire(require.resolve('age-encryption'));

/**
 * CommonJS packages that few processes need, and their files: cron-parser reads only unusual cron fields, and dotenv only
 * the env files of jobs; pino writes with sonic-boom and thread-stream only where a program gives it no stream;
 * age-encryption computes with curves and lattices only where secrets/envelope/hybrid.ts does not, or for keys of other
 * kinds. Each is a file of its own beside the bundle, because every process reads the whole text of its bundle.
 */
export const LATE_PACKAGES: ReadonlyMap<string, string> = new Map([
  ['cron-parser', require.resolve('cron-parser')],
  ['dotenv', require.resolve('dotenv')],
  ['sonic-boom', fromPino.resolve('sonic-boom')],
  ['thread-stream', fromPino.resolve('thread-stream')],
  ['@noble/curves/ed25519.js', fromAge.resolve('@noble/curves/ed25519.js')],
  ['@noble/curves/nist.js', fromAge.resolve('@noble/curves/nist.js')],
  ['@noble/post-quantum/hybrid.js', fromAge.resolve('@noble/post-quantum/hybrid.js')],
]);

/** For every file of the bundle: the stand-ins of packages load them from its directory. */
export const BANNER = 'const __lshFile = import.meta.url;';

/** Classes that other classes extend while they load. */
const INHERITED_BUILTINS = new Set(['node:events', 'node:stream']);

/** Exports that packages read while they load. lsh starts no threads. */
const KNOWN_EXPORTS: Record<string, Record<string, unknown>> = {
  'node:worker_threads': { isMainThread: true },
};

/**
 * Loads a built-in module when the program first uses one of its exports. An `import` would load it at once and read
 * all its exports; those of node:http load fetch, 30 ms of each start. Skips cli/main.ts, which must run on an old
 * Node without getBuiltinModule.
 */
export const lateModules: Plugin = {
  name: 'late-modules',
  setup(bundler) {
    bundler.onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
      if (LATE_PACKAGES.has(path)) return { path, namespace: 'late-package' };
      if (!isBuiltin(path) || importer.endsWith('/cli/main.ts')) return undefined;
      const builtin = path.startsWith('node:') ? path : `node:${path}`;
      // Late by itself.
      if (kind === 'dynamic-import') return { path: builtin, external: true };
      return { path: builtin, namespace: 'builtin' };
    });
    bundler.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: builtinModule(path),
    }));
    bundler.onLoad({ filter: /.*/, namespace: 'late-package' }, ({ path }) => ({
      contents: latePackage(path),
    }));
  },
};

/** The name of the file of a package, without `.cjs`. */
export function lateFile(name: string): string {
  return name.replace('@', '').replace(/\.js$/, '').replaceAll('/', '-');
}

function latePackage(name: string): string {
  const load = `process.getBuiltinModule('node:module').createRequire(__lshFile)('./${lateFile(name)}.cjs')`;
  return lateModule(require(LATE_PACKAGES.get(name)!), load);
}

function builtinModule(path: string): string {
  const load = `process.getBuiltinModule(${JSON.stringify(path)})`;
  if (INHERITED_BUILTINS.has(path)) return `module.exports = ${load}`;
  return lateModule(process.getBuiltinModule(path), load, KNOWN_EXPORTS[path]);
}

/** The text of a module that loads another one at the first use of an export. */
function lateModule(exports: unknown, load: string, known: Record<string, unknown> = {}): string {
  if (typeof exports === 'function') return lateFunction(load);
  // On the prototype: esbuild copies own properties for each importing file, which would load the module. An import also
  // asks for __esModule, which no module here has.
  return `let loaded;
const late = new Proxy({}, { get: (_, name) => (name === '__esModule' ? undefined : (loaded ??= ${load})[name]) });
module.exports = Object.create(late, Object.getOwnPropertyDescriptors(${JSON.stringify(known)}));`;
}

/** For CommonJS importers, which load the module by a call, by `new`, or by a property. */
function lateFunction(load: string): string {
  // Nothing is an instance of a class before its module is loaded.
  return `let loaded;
const load = () => (loaded ??= ${load});
module.exports = new Proxy(function () {}, {
  apply: (_, self, args) => Reflect.apply(load(), self, args),
  construct: (_, args) => Reflect.construct(load(), args),
  get: (_, name) => (name === Symbol.hasInstance && loaded === undefined ? () => false : load()[name]),
});`;
}
