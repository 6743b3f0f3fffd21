// `kubectl apply -k deploy` instead of the chart, on a real API server: unchanged, and as a base with another tag.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { TOOLS_IMAGE } from '../../scripts/cluster/addresses.ts';
import { LSH_IMAGE, RealCluster, RELEASE, TEAM } from './support/real-cluster.ts';

const cluster = new RealCluster();
let overlay: string;
let unchecked: string[];

// Uninstalls helm's release to make room; the definition of LshJob stays, as after every uninstall.
beforeAll(async () => {
  await cluster.start();
  await cluster.helm(['uninstall', RELEASE.name, '--namespace', RELEASE.namespace]);
  await cluster.until('the end of the operator', () => cluster.operators().length === 0 || undefined);
  overlay = mkdtempSync(join(tmpdir(), 'lsh-overlay-'));
  const { minor } = await cluster.client.json<{ minor: string }>({ path: '/version' });
  // Older servers do not know validation rules in a definition, so kubectl refuses them.
  unchecked = parseInt(minor) < 23 ? ['--validate=false'] : [];
});
afterAll(async () => {
  await cluster.stop();
  rmSync(overlay, { recursive: true, force: true });
});

test('the server accepts every object of deploy/', async () => {
  const output = await cluster.kubectl('apply', '-k', 'deploy', '--dry-run=server', ...unchecked);
  expect(
    output
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith('(server dry run)')),
  ).toEqual([]);
  expect(output).toContain('customresourcedefinition.apiextensions.k8s.io/lshjobs.lsh.dev');
  expect(output).toContain('deployment.apps/lsh-controller');
});

test('the operator of these manifests runs LshJobs, and its deletion leaves them', async () => {
  const base = parse(readFileSync('deploy/kustomization.yaml', 'utf8')) as { resources: string[] };
  for (const file of base.resources) copyFileSync(join('deploy', file), join(overlay, file));
  const [newName, newTag] = LSH_IMAGE.split(':');
  writeFileSync(
    join(overlay, 'kustomization.yaml'),
    stringify({ ...base, images: [{ name: newName, newTag }] }),
  );
  const namespaced = ['--namespace', RELEASE.namespace];
  await cluster.kubectl('apply', '-k', overlay, ...unchecked);
  await cluster.kubectl('rollout', 'status', 'deployment/lsh-controller', ...namespaced, '--timeout=3m');

  await cluster.create('applied', {
    schedule: '@yearly',
    command: 'echo without helm',
    job: { image: TOOLS_IMAGE, imagePullPolicy: 'Never' },
  });
  await cluster.lsh('cron', 'trigger', 'applied', '--wait');
  const run = await cluster.untilRun('applied', ({ phase }) => phase === 'Completed');
  expect(run.outputTail).toBe('without helm\n');

  // The namespace controller waits half the grace period of remaining pods; an empty namespace goes at once.
  await cluster.kubectl('delete', 'deployment/lsh-controller', ...namespaced, '--cascade=foreground');
  await cluster.kubectl('delete', '-f', join(overlay, 'lsh.yaml'), '--ignore-not-found');
  expect(await cluster.kubectl('get', 'namespaces', '--output=name')).not.toContain(RELEASE.namespace);
  expect(await cluster.kubectl('get', 'lj', '--namespace', TEAM, '--output=name')).toContain('applied');
  await cluster.remove('applied');
});
