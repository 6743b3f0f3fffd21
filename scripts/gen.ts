// Writes the files that are made from the code; with --check it changes nothing and exits 1 naming the stale ones.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { renderCliPage } from './pages/cli.ts';
import { crdYaml } from './gen/crd.ts';
import { renderConfigurationPage } from './pages/configuration.ts';
import { renderErrorsPage } from './pages/errors.ts';

/** A file and what it must hold. To generate another one, add it to the list. */
interface GeneratedFile {
  path: string;
  render: () => string | Promise<string>;
}

const FILES: GeneratedFile[] = [
  { path: 'docs/cli.md', render: renderCliPage },
  { path: 'deploy/crd.yaml', render: crdYaml },
  { path: 'docs/configuration.md', render: renderConfigurationPage },
  { path: 'docs/errors.md', render: renderErrorsPage },
];

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const check = process.argv.includes('--check');
const stale: string[] = [];
for (const { path, render } of FILES) {
  const text = await render();
  if (current(path) === text) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (check && stale.length > 0) {
  console.error(`error: stale: ${stale.join(', ')}\nhint: run npm run gen and commit what it writes`);
  process.exitCode = 1;
} else {
  console.log(stale.length > 0 ? `written: ${stale.join(', ')}` : 'all generated files are up to date');
}
