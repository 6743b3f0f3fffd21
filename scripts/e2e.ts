// `npm run e2e`: tests the image, the chart and the operator on a one-node cluster with real pods: a kind cluster where
// Docker works, else a cluster from Debian's packages in its own namespaces. Passes its arguments to vitest.
// LSH_E2E_LOGS=DIR keeps the logs of the cluster's programs. Exits with 3 in CI if this machine cannot run a cluster,
// with 4 if the cluster leaves anything on the machine.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TOOLS_IMAGE } from './cluster/addresses.ts';
import { missingForCluster } from './cluster/prerequisites.ts';
import { machineState, residue } from './cluster/residue.ts';
import { makeSandbox, removeSandbox, runInside } from './cluster/sandbox.ts';
import { ended } from './cluster/foreground.ts';
import { kindWorks, withKind } from './cluster/kind.ts';
import { findHelm, NO_HELM } from './chart/helm.ts';
import { buildArchives } from './image/build.ts';

const LSH_IMAGE = 'ghcr.io/lsh-dev/lsh:e2e';
const UNAVAILABLE = 3;
const RESIDUE = 4;
const startedAt = performance.now();

function say(line: string): void {
  process.stderr.write(`e2e: ${line} (${Math.round((performance.now() - startedAt) / 1000)} s)\n`);
}

function vitest(): string[] {
  const package_ = createRequire(import.meta.url).resolve('vitest/package.json');
  const options = ['run', '--config', 'vitest.e2e.config.ts', ...process.argv.slice(2)];
  return [process.execPath, join(dirname(package_), 'vitest.mjs'), ...options];
}

function kubernetesBinaries(): string {
  const args = ['scripts/kube-binaries.ts', '--node'];
  return execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

async function onDebian(): Promise<number> {
  const binaries = kubernetesBinaries();
  say('the binaries are ready');
  const before = machineState();
  const status = await inSandbox(binaries);
  const left = await residue(before);
  say(left.length === 0 ? 'everything is removed' : 'not everything is removed');
  for (const line of left) console.error(`error: the end-to-end tests left ${line}`);
  return left.length === 0 ? status : RESIDUE;
}

async function inSandbox(binaries: string): Promise<number> {
  const sandbox = await makeSandbox();
  try {
    const images = { lsh: join(sandbox.directory, 'lsh.tar'), tools: join(sandbox.directory, 'tools.tar') };
    buildArchives([
      { tag: LSH_IMAGE, archive: images.lsh },
      { tag: TOOLS_IMAGE, archive: images.tools, context: 'test/e2e/tools' },
    ]);
    say('the images are built');
    return await runInside(vitest(), {
      ...process.env,
      LSH_E2E_DIRECTORY: sandbox.directory,
      LSH_E2E_CGROUP: sandbox.cgroup,
      LSH_E2E_BINARIES: binaries,
      LSH_E2E_IMAGES: Object.values(images).join(','),
      LSH_E2E_IMAGE: images.lsh,
    });
  } finally {
    const [logs, kept] = [join(sandbox.directory, 'logs'), process.env['LSH_E2E_LOGS']];
    if (kept && existsSync(logs)) cpSync(logs, kept, { recursive: true });
    await removeSandbox(sandbox);
  }
}

async function onKind(): Promise<number> {
  return withKind({ lsh: LSH_IMAGE, tools: TOOLS_IMAGE }, ({ kubeconfig, node, archive }) => {
    const [program = '', ...args] = vitest();
    const env = {
      ...process.env,
      LSH_E2E_KUBECONFIG: kubeconfig,
      LSH_E2E_NODE: node,
      LSH_E2E_IMAGE: archive,
    };
    return ended(spawn(program, args, { env, stdio: 'inherit' }));
  });
}

const problem = findHelm() === undefined ? NO_HELM : kindWorks() ? undefined : missingForCluster();
if (problem === undefined) {
  // The tests run the bundle in dist/.
  execFileSync(process.execPath, ['scripts/build.ts'], { stdio: ['ignore', 2, 2] });
  process.exitCode = await (kindWorks() ? onKind() : onDebian());
} else {
  console.error(`lsh skips the end-to-end tests: ${problem}.`);
  process.exitCode = process.env['CI'] ? UNAVAILABLE : 0;
}
