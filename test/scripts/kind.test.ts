// What `npm run kind:up` says where there can be no cluster, and what `npm run kind:down` removes.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);

describe('the cluster of kind', () => {
  let programs: string;

  beforeEach(async () => {
    programs = await mkdtemp(join(tmpdir(), 'lsh-kind-'));
  });
  afterEach(() => rm(programs, { recursive: true, force: true }));

  const program = async (name: string, body: string) => {
    await writeFile(join(programs, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(programs, name), 0o755);
  };
  const kind = (...args: string[]) =>
    run(process.execPath, ['scripts/kind.ts', ...args], { env: { PATH: programs } }).catch(
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
    );

  test('without Docker, and with one that does not answer, says so in one line', async () => {
    expect(await kind('up')).toEqual({
      code: 3,
      stderr: 'error: Docker is not installed: https://docs.docker.com/get-docker\n',
    });
    await program('docker', '[ "$1" = --version ]');
    expect(await kind('up')).toEqual({
      code: 3,
      stderr: 'error: Docker does not answer: start it, or see `docker version`\n',
    });
  });

  test('without kind says where there is one', async () => {
    await program('docker', 'true');
    expect(await kind('up')).toEqual({
      code: 3,
      stderr: 'error: kind is not installed: https://kind.sigs.k8s.io\n',
    });
  });

  test('does not come about when its image cannot be built, and no stack is shown', async () => {
    await program('docker', `[ "$1" != build ] || { echo no such base >&2; exit 1; }`);
    await program('kind', `echo "kind $*" >> ${programs}/calls`);
    await program('helm', 'true');
    const { code, stderr } = (await kind('up')) as { code: number; stderr: string };
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^no such base\nerror: Command failed: docker build --tag ghcr\.io\/lsh-dev\/lsh:dev .*\n$/,
    );
    expect(await readFile(join(programs, 'calls'), 'utf8')).toBe('kind version\n');
  });

  test('is not left half made', async () => {
    await program('docker', 'true');
    await program('kind', `echo "kind $1 $2" >> ${programs}/calls; [ "$1" != create ] || kill -INT $PPID $$`);
    await program('helm', 'true');
    const { code, stderr } = (await kind('up')) as { code: number; stderr: string };
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: Command failed: kind create cluster .*\n$/);
    const calls = (await readFile(join(programs, 'calls'), 'utf8')).trim().split('\n');
    expect(calls.slice(-2)).toEqual(['kind create cluster', 'kind delete cluster']);
  });

  test('is removed with the images that were built for it', async () => {
    const image = 'ghcr.io/lsh-dev/lsh:dev';
    const list = `[ "$2" = ls ] && printf '${image}\\n${image}-0123\\n'`;
    await program('docker', `${list}; echo "docker $*" >> ${programs}/calls`);
    await program('kind', `echo "kind $*" >> ${programs}/calls`);
    await kind('down');
    const calls = (await readFile(join(programs, 'calls'), 'utf8')).trim().split('\n');
    expect(calls).toContain('kind delete cluster --name=lsh');
    expect(calls.at(-2)).toContain('image ls --filter=reference=ghcr.io/lsh-dev/lsh:dev*');
    expect(calls.at(-1)).toBe(`docker image rm ${image} ${image}-0123`);
  });

  test('of the end-to-end tests goes when they are interrupted, and with it one that was left', async () => {
    await program('docker', 'true');
    const left = 'lsh-e2e-kind-2147483647';
    await program('kind', `[ "$1" != get ] || echo ${left}; echo "kind $*" >> ${programs}/calls`);
    const script = `import { withKind } from './scripts/cluster/kind.ts';
      await withKind({ lsh: 'lsh', tools: 'tools' }, () => process.kill(process.pid, 'SIGINT'));`;
    await run(process.execPath, ['--input-type=module', '--eval', script], { env: { PATH: programs } });
    const calls = (await readFile(join(programs, 'calls'), 'utf8')).trim().split('\n');
    expect(calls.map((call) => call.split(' --')[0])).toEqual([
      'kind get clusters',
      'kind delete cluster',
      'kind create cluster',
      'kind load docker-image lsh tools',
      'kind delete cluster',
    ]);
    expect(calls[1]).toContain(` --name=${left} `);
    const [, name] = / --name=(\S+) /.exec(calls[2]!)!;
    expect(calls[4]).toContain(` --name=${name} `);
  });

  test('needs to be told what to do', async () => {
    expect(await kind()).toMatchObject({ code: 3, stderr: expect.stringContaining('up|down') as string });
  });
});
