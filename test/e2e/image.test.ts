// The image of all end-to-end tests: its contents, and its behaviour as a container.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Pod } from '../../src/kubernetes/objects/pod.ts';
import { eventually } from '../support/eventually.ts';
import { ImageArchive } from './support/image-archive.ts';
import { LSH_IMAGE, RealCluster, TEAM } from './support/real-cluster.ts';

const MIB = 1024 * 1024;
/** Node takes 121 MiB, Debian's part of a published base 75; npm and headers would add 45. */
const MAX_BYTES = 230 * MIB;
/** Bytes that lsh adds to its base: the client of Kubernetes takes 2 MiB of them, that of Supabase and age 0.6. */
const MAX_OWN_BYTES = 8 * MIB;

const { version, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};

/** The packages that the sources import by value, and their versions. */
function importedPackages(): [string, string][] {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const text = sources.map((file) => readFileSync(`src/${file}`, 'utf8')).join('\n');
  const matches = text.matchAll(/^import (?!type )[^;]*? from '((?:@[\w-]+\/)?[\w-]+)['/]/gm);
  const names = new Set([...matches].map(([, name]) => name));
  return Object.entries(devDependencies).filter(([name]) => names.has(name));
}

describe('the image', () => {
  let image: ImageArchive;
  beforeAll(() => {
    image = new ImageArchive(inject('imageArchive'));
  });
  const lshFiles = () =>
    image.files.filter(({ path }) => /^\/opt\/lsh\/|^\/usr\/local\/bin\/(?:lsh|tini)$/.test(path));

  test('runs lsh under an init, as an unprivileged numeric user', () => {
    expect(image.config).toMatchObject({
      User: '65532:65532',
      StopSignal: 'SIGTERM',
      Entrypoint: ['tini', '--', 'lsh'],
    });
    expect(image.config.Env).toContain('NODE_ENV=production');
  });

  test('has labels for title, version, commit and base', () => {
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

  test('has no layer with npm or another package manager of Node', () => {
    // Proves that the list contains this directory.
    expect(image.files.map(({ path }) => path)).toContain('/usr/local/bin/node');
    const unwanted = /\/node_modules(\/|$)|\/(npm|npx|corepack|yarn|yarnpkg)$|^\/usr\/local\/include\//;
    expect(image.files.filter(({ path }) => unwanted.test(path))).toEqual([]);
  });

  test('has the bundle and no sources of it', () => {
    const files = lshFiles().filter(({ mode }) => mode.startsWith('-'));
    const names = files.map(({ path }) => path.replace(/^\/opt\/lsh\//, ''));
    const expected =
      /^(dist\/libexec\/fork-server-linux-\w+|dist\/[\w-]+\.c?js|LICENSE|package\.json|sbom\.cdx\.json|\/usr\/local\/bin\/tini)$/;
    expect(names.filter((name) => !expected.test(name))).toEqual([]);
    expect(names).toEqual(
      expect.arrayContaining([
        'dist/lsh.js',
        expect.stringMatching(/fork-server/),
        'LICENSE',
        'sbom.cdx.json',
      ]),
    );
    expect(image.files.filter(({ path }) => path.startsWith('/src'))).toEqual([]);
  });

  test('belongs to root, and no other user may write to it', () => {
    expect(lshFiles().filter(({ owner }) => owner !== '0/0')).toEqual([]);
    const writable = ({ mode }: { mode: string }) => /^[-d]....w|^[-d].......w/.test(mode);
    expect(lshFiles().filter(writable)).toEqual([]);
  });

  test('lists exactly the bundled packages', () => {
    const { components } = JSON.parse(image.read('/opt/lsh/sbom.cdx.json')) as {
      components: { group?: string; name: string; version: string; purl: string; licenses?: object[] }[];
    };
    const listed = new Map(
      components.map(({ group, name, ...rest }) => [group === undefined ? name : `${group}/${name}`, rest]),
    );
    const imported = importedPackages();
    expect(imported.length).toBeGreaterThan(5);
    for (const [name, version] of imported) expect(listed.get(name), name).toMatchObject({ version });
    expect([...listed.keys()]).toEqual(expect.arrayContaining(['openid-client', 'sonic-boom']));
    expect(
      [...listed.keys()].filter((name) => /^(esbuild|typescript|vitest|@types\/.*)$/.test(name)),
    ).toEqual([]);
    expect(components.filter(({ purl, licenses }) => !purl.startsWith('pkg:npm/') || !licenses)).toEqual([]);
  });

  test('is small', () => {
    const own = lshFiles().reduce((sum, { bytes }) => sum + bytes, 0);
    const mib = (bytes: number) => (bytes / MIB).toFixed(1);
    console.log(`the image takes ${mib(image.bytes)} MiB, ${mib(own)} MiB of it for lsh`);
    expect(own).toBeLessThan(MAX_OWN_BYTES);
    expect(image.bytes).toBeLessThan(MAX_BYTES);
  });
});

describe('a container of the image', () => {
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

  test('runs the controller, the runner and every other verb, by its arguments', async () => {
    const calls = {
      version: ['version'],
      controller: ['controller', '--help'],
      runner: ['runner', '--help'],
    };
    const outputs = await Promise.all(
      Object.entries(calls).map(async ([name, args]) => {
        const pod = await create(name, args);
        const { exitCode } = await cluster.until(`the end of ${name}`, () => endOf(pod));
        expect(exitCode).toBe(0);
        return cluster.kubectl('logs', '-n', TEAM, name);
      }),
    );
    expect(outputs[0]).toContain(version);
    expect(outputs[1]).toMatch(/Usage: lsh controller[^]*--leader-elect/);
    expect(outputs[2]).toMatch(/Usage: lsh runner/);
    await remove(...Object.keys(calls));
  });

  /** A Pod with a runner that has started, and a shell beside it. */
  const startRunner = async (name: string) => {
    const pod = await create(name, ['runner'], { terminationGracePeriodSeconds: GRACE_MS / 1000 });
    await cluster.until('a container', () => seen(pod)?.status?.containerStatuses?.[0]?.state?.running);
    await cluster.untilPrinted('runner started', 'logs', '--follow', '-n', TEAM, name);
    const sh = (script: string) => cluster.kubectl('exec', '-n', TEAM, name, '--', 'sh', '-c', script);
    return { pod, sh };
  };

  test('reaps the orphans of its commands, and ends when its pod is deleted', async () => {
    const name = 'orphans';
    const { pod, sh } = await startRunner(name);
    const orphan = (await sh('sleep 600 </dev/null >/dev/null 2>&1 & echo $!')).trim();
    // The fields of /proc/PID/stat are pid, name, state, parent.
    expect(await sh(`cat /proc/${orphan}/stat`)).toMatch(/^\d+ \(sleep\) S 1 /);
    await sh(`kill ${orphan}`);
    await eventually(async () => (await sh(`[ -e /proc/${orphan} ] || echo gone`)) === 'gone\n', {
      what: `the end of the zombie ${orphan}`,
    });

    const deletedAt = Date.now();
    await remove(name);
    await cluster.until('the end of its pod', () => (cluster.has(pod) ? undefined : true));
    const took = Date.now() - deletedAt;
    console.log(`a runner and its pod ended within ${took} ms after the deletion`);
    // Without a TERM, the kubelet would send KILL after the grace period.
    expect(took).toBeLessThan(GRACE_MS / 2);
    // A kubelet may remove the container before it reports the end: the next test asks for the exit code.
    expect(endOf(pod)?.exitCode ?? 0).toBe(0);
  });

  test('ends with 0 on TERM', async () => {
    const name = 'terminated';
    const { pod, sh } = await startRunner(name);
    // In the background, so that the end of the container does not cut this call off.
    await sh('{ sleep 1; kill -TERM 1; } </dev/null >/dev/null 2>&1 &');
    expect(await cluster.until('its end', () => endOf(pod))).toMatchObject({ exitCode: 0 });
    await remove(name);
  });

  test('cannot write to its root file system', async () => {
    for (const container of ['controller', 'shell'])
      for (const path of ['/new', '/opt/lsh/dist/new.js', '/usr/local/bin/new'])
        await expect(cluster.inContainer(container, 'touch', path)).rejects.toThrow('Read-only file system');
  });
});

/** Much longer than a normal end takes. */
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
