// The image that everything else here runs: what is in it and what is not, and how it behaves as a container's process.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Pod } from '../../src/kubernetes/objects/kube-job-run.ts';
import { eventually } from '../support/eventually.ts';
import { ImageArchive } from './support/image-archive.ts';
import { LSH_IMAGE, RealCluster, TEAM } from './support/real-cluster.ts';

const MIB = 1024 * 1024;
/** Node is 121 of it, Debian's part of a published base 75; npm, its headers and the like would be another 45. */
const MAX_BYTES = 230 * MIB;
/** What lsh adds to its base. */
const MAX_OWN_BYTES = 6 * MIB;

const { version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

describe('the image', () => {
  let image: ImageArchive;
  beforeAll(() => {
    image = new ImageArchive(inject('imageArchive'));
  });
  const owned = () =>
    image.files.filter(({ path }) => /^\/opt\/lsh\/|^\/usr\/local\/bin\/(?:lsh|tini)$/.test(path));

  test('runs lsh under an init, as a user with a number and without rights', () => {
    expect(image.config).toMatchObject({
      User: '65532:65532',
      StopSignal: 'SIGTERM',
      Entrypoint: ['tini', '--', 'lsh'],
    });
    expect(image.config.Env).toContain('NODE_ENV=production');
  });

  test('says what it is, of which version, commit and base', () => {
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
    const label = (name: string) => image.config.Labels?.[`org.opencontainers.image.${name}`];
    expect(label('title')).toBe('lsh');
    expect(label('description')).toMatch(/^One scheduler/);
    expect(label('licenses')).toBe('Apache-2.0');
    expect(label('source')).toMatch(/^https:\/\/github\.com\/.*\/lsh$/);
    expect(label('version')).toBe(version);
    expect(label('revision')).toBe(commit);
    expect(label('base.name')).toMatch(/^docker\.io\/library\/node:24\.\d+\.\d+-slim/);
  });

  test('has no layer with npm or with anything else that installs packages of Node', () => {
    // What is looked for is looked for in the right place.
    expect(image.files.map(({ path }) => path)).toContain('/usr/local/bin/node');
    const unwanted = /\/node_modules(\/|$)|\/(npm|npx|corepack|yarn|yarnpkg)$|^\/usr\/local\/include\//;
    expect(image.files.filter(({ path }) => unwanted.test(path))).toEqual([]);
  });

  test('has the bundle and nothing that the bundle is made of', () => {
    const files = owned().filter(({ mode }) => mode.startsWith('-'));
    const names = files.map(({ path }) => path.replace(/^\/opt\/lsh\//, ''));
    const expected = /^(dist\/[\w-]+\.js|LICENSE|package\.json|sbom\.cdx\.json|\/usr\/local\/bin\/tini)$/;
    expect(names.filter((name) => !expected.test(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['dist/lsh.js', 'LICENSE', 'sbom.cdx.json']));
    expect(image.files.filter(({ path }) => path.startsWith('/src'))).toEqual([]);
  });

  test('belongs to root, and nobody else may write in it', () => {
    expect(owned().filter(({ owner }) => owner !== '0/0')).toEqual([]);
    const writable = ({ mode }: { mode: string }) => /^[-d]....w|^[-d].......w/.test(mode);
    expect(owned().filter(writable)).toEqual([]);
  });

  test('lists the packages that are bundled, and no other', () => {
    const { components } = JSON.parse(image.read('/opt/lsh/sbom.cdx.json')) as {
      components: { group?: string; name: string; version: string; purl: string; licenses?: object[] }[];
    };
    const listed = new Map(
      components.map(({ group, name, ...one }) => [group === undefined ? name : `${group}/${name}`, one]),
    );
    for (const [name, version] of Object.entries(dependencies))
      expect(listed.get(name), name).toMatchObject({ version });
    expect([...listed.keys()]).toEqual(expect.arrayContaining(['openid-client', 'sonic-boom']));
    expect(
      [...listed.keys()].filter((name) => /^(esbuild|typescript|vitest|@types\/.*)$/.test(name)),
    ).toEqual([]);
    expect(components.filter(({ purl, licenses }) => !purl.startsWith('pkg:npm/') || !licenses)).toEqual([]);
  });

  test('is small', () => {
    const own = owned().reduce((sum, { bytes }) => sum + bytes, 0);
    const mib = (bytes: number) => (bytes / MIB).toFixed(1);
    console.log(`the image takes ${mib(image.bytes)} MiB, ${mib(own)} MiB of it for lsh`);
    expect(own).toBeLessThan(MAX_OWN_BYTES);
    expect(image.bytes).toBeLessThan(MAX_BYTES);
  });
});

describe('a container of it', () => {
  const cluster = new RealCluster();
  beforeAll(() => cluster.start());
  afterAll(() => cluster.stop());

  const create = async (name: string, args: string[], spec: object = {}): Promise<Pod> =>
    cluster.client.json<Pod>({
      method: 'POST',
      path: `/api/v1/namespaces/${TEAM}/pods`,
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { ...podSpec(args), ...spec } },
    });
  const remove = (...names: string[]) =>
    cluster.kubectl('delete', 'pod', '-n', TEAM, '--wait=false', ...names);
  const seen = ({ metadata }: Pod) => cluster.podsSeen.get(metadata.uid);
  const endOf = (pod: Pod) => seen(pod)?.status?.containerStatuses?.[0]?.state?.terminated;

  test('is the controller, the runner and every other verb, whatever its arguments', async () => {
    const calls = {
      version: ['version'],
      controller: ['controller', '--help'],
      runner: ['runner', '--help'],
    };
    const said = await Promise.all(
      Object.entries(calls).map(async ([name, args]) => {
        const pod = await create(name, args);
        const { exitCode } = await cluster.until(`the end of ${name}`, () => endOf(pod));
        expect(exitCode).toBe(0);
        return cluster.kubectl('logs', '-n', TEAM, name);
      }),
    );
    expect(said[0]).toContain(version);
    expect(said[1]).toMatch(/Usage: lsh controller[^]*--leader-elect/);
    expect(said[2]).toMatch(/Usage: lsh runner/);
    await remove(...Object.keys(calls));
  });

  test('buries the orphans of its commands, and ends when it is told to', async () => {
    const name = 'orphans';
    const pod = await create(name, ['runner'], { terminationGracePeriodSeconds: GRACE_MS / 1000 });
    await cluster.until('a container', () => seen(pod)?.status?.containerStatuses?.[0]?.state?.running);
    await cluster.untilPrinted('runner started', 'logs', '--follow', '-n', TEAM, name);
    const sh = (script: string) => cluster.kubectl('exec', '-n', TEAM, name, '--', 'sh', '-c', script);

    const orphan = (await sh('sleep 600 </dev/null >/dev/null 2>&1 & echo $!')).trim();
    // The fields of the process are its pid, its name, its state and its parent.
    expect(await sh(`cat /proc/${orphan}/stat`)).toMatch(/^\d+ \(sleep\) S 1 /);
    await sh(`kill ${orphan}`);
    await eventually(async () => (await sh(`[ -e /proc/${orphan} ] || echo gone`)) === 'gone\n', {
      what: `the burial of ${orphan}`,
    });

    const toldAt = Date.now();
    await remove(name);
    const { exitCode, finishedAt } = await cluster.until('its end', () => endOf(pod));
    const took = Date.parse(finishedAt ?? '') - toldAt;
    console.log(`a runner ended ${Math.max(0, took)} ms after its pod was deleted, to the second`);
    expect(exitCode).toBe(0);
    // A TERM that did not arrive would be followed by a KILL, after the grace.
    expect(took).toBeLessThan(GRACE_MS / 2);
  });

  test('cannot write in its root file system', async () => {
    for (const container of ['controller', 'shell'])
      for (const path of ['/new', '/opt/lsh/dist/new.js', '/usr/local/bin/new'])
        await expect(cluster.inContainer(container, 'touch', path)).rejects.toThrow('Read-only file system');
  });
});

/** Far from what an end takes. */
const GRACE_MS = 120_000;

function podSpec(args: string[]): object {
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    volumes: [{ name: 'state', emptyDir: {} }],
    containers: [
      {
        name: 'lsh',
        image: LSH_IMAGE,
        imagePullPolicy: 'Never',
        args,
        env: [
          { name: 'LSH_STATE_DIR', value: '/state/lsh' },
          { name: 'LSH_RUNNER_SOCKET', value: '/state/run/runner.sock' },
        ],
        volumeMounts: [{ name: 'state', mountPath: '/state' }],
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  };
}
