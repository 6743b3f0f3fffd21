// Generates files from the code. With --check, writes nothing, names stale files and exits with 1.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { findHelm, NO_HELM } from './chart/helm.ts';
import { chartCrd } from './gen/chart-crd.ts';
import { chartReadme } from './gen/chart-readme.ts';
import { crdYaml } from './gen/crd.ts';
import { plainManifests } from './gen/manifests.ts';
import { renderCliPage } from './pages/cli.ts';
import { renderConfigurationPage } from './pages/configuration.ts';
import { renderErrorsPage } from './pages/errors.ts';
import { renderSpecPage } from './pages/spec.ts';

/** A generated file and its content. To generate another file, add it to the list. */
interface GeneratedFile {
  path: string;
  render: () => string | Promise<string>;
  /** Whether helm renders it. Without helm the file is skipped, which is an error in CI. */
  byHelm?: true;
}

const FILES: GeneratedFile[] = [
  { path: 'docs/cli.md', render: renderCliPage },
  { path: 'deploy/crd.yaml', render: crdYaml },
  { path: 'docs/configuration.md', render: renderConfigurationPage },
  { path: 'docs/errors.md', render: renderErrorsPage },
  { path: 'docs/spec.md', render: renderSpecPage },
  { path: 'charts/lsh/README.md', render: chartReadme },
  { path: 'charts/lsh/templates/crd.yaml', render: chartCrd },
  { path: 'deploy/lsh.yaml', render: () => plainManifests(), byHelm: true },
  {
    path: 'deploy/lsh-ha.yaml',
    render: () => plainManifests('--values=charts/lsh/values-ha.yaml'),
    byHelm: true,
  },
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
const skipped: string[] = [];
const hasHelm = findHelm() !== undefined;
for (const { path, render, byHelm } of FILES) {
  if (byHelm && !hasHelm) {
    skipped.push(path);
    continue;
  }
  const text = await render();
  if (current(path) === text) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (skipped.length > 0) {
  const inCi = Boolean(process.env['CI']);
  console.error(`${inCi ? 'error' : 'note'}: skipped ${skipped.join(', ')}: ${NO_HELM}`);
  if (inCi) process.exitCode = 1;
}
if (check && stale.length > 0) {
  console.error(`error: stale: ${stale.join(', ')}\nhint: run npm run gen and commit the result`);
  process.exitCode = 1;
} else {
  console.log(stale.length > 0 ? `written: ${stale.join(', ')}` : 'all generated files are up to date');
}
