// What `npm run kind:up` says where there can be no cluster.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);

describe('kind:up', () => {
  let programs: string;

  beforeEach(async () => {
    programs = await mkdtemp(join(tmpdir(), 'lsh-kind-'));
  });
  afterEach(() => rm(programs, { recursive: true, force: true }));

  const program = async (name: string, body: string) => {
    await writeFile(join(programs, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(programs, name), 0o755);
  };
  const up = (...args: string[]) =>
    run(process.execPath, ['scripts/kind.ts', ...args], { env: { PATH: programs } }).catch(
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
    );

  test('without Docker, and with one that does not answer, says so in one line', async () => {
    expect(await up('up')).toEqual({
      code: 3,
      stderr: 'error: Docker is not installed: https://docs.docker.com/get-docker\n',
    });
    await program('docker', '[ "$1" = --version ]');
    expect(await up('up')).toEqual({
      code: 3,
      stderr: 'error: Docker does not answer: start it, or see `docker version`\n',
    });
  });

  test('without kind says where there is one', async () => {
    await program('docker', 'true');
    expect(await up('up')).toEqual({
      code: 3,
      stderr: 'error: kind is not installed: https://kind.sigs.k8s.io\n',
    });
  });

  test('needs to be told what to do', async () => {
    expect(await up()).toMatchObject({ code: 3, stderr: expect.stringContaining('up|down') as string });
  });
});
