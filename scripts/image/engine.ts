// The programs that build images, with what differs between them: how they are called, and where images are kept.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Engine = 'docker' | 'podman' | 'buildah';

/** A registry that does not answer is not waited for longer. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Verbs of buildah that ask whom images may come from. */
const TRUSTING = new Set(['bud', 'commit', 'from', 'pull', 'push']);

/** Said where an image is wanted and nothing here can build one. */
export const NO_ENGINE = 'an image is built by docker, podman or buildah, and none of them works here';

/** The first that works, and not only is installed. */
export function findEngine(): Engine | undefined {
  if (succeeds('docker', 'version')) return 'docker';
  if (succeeds('podman', 'info')) return 'podman';
  return succeeds('buildah', '--version') ? 'buildah' : undefined;
}

/** Whether the program is there and ends well. */
export function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Runs an engine's commands; what they print goes to stderr, because stdout belongs to the answer. */
export interface EngineCall {
  engine: Engine;
  run: (...args: string[]) => void;
  succeeds: (...args: string[]) => boolean;
}

/** Calls with the engine's own store of images. */
export function engineCall(engine: Engine): EngineCall {
  // Docker before 23 builds otherwise by the builder from before secrets and platforms.
  return calls(engine, [], { ...process.env, DOCKER_BUILDKIT: '1' });
}

/** Buildah with a store in that directory, which needs no other privilege than root's and goes with it. */
export function privateBuildah(directory: string): EngineCall {
  const policy = join(directory, 'policy.json');
  const registries = join(directory, 'registries.conf');
  writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}\n');
  writeFileSync(registries, '');
  const stores = ['--root', join(directory, 'root'), '--runroot', join(directory, 'runroot')];
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot', CONTAINERS_REGISTRIES_CONF: registries };
  const { run, succeeds } = calls('buildah', [...stores, '--storage-driver', 'vfs'], env);
  const withPolicy = ([verb = '', ...rest]: string[]) =>
    TRUSTING.has(verb) ? [verb, '--signature-policy', policy, ...rest] : [verb, ...rest];
  return {
    engine: 'buildah',
    run: (...args) => run(...withPolicy(args)),
    succeeds: (...args) => succeeds(...withPolicy(args)),
  };
}

function calls(engine: Engine, options: string[], env: NodeJS.ProcessEnv): EngineCall {
  return {
    engine,
    run: (...args) => {
      execFileSync(engine, [...options, ...args], { env, stdio: ['ignore', 2, 2] });
    },
    succeeds: (...args) =>
      spawnSync(engine, [...options, ...args], { env, stdio: 'ignore', timeout: ANSWER_TIMEOUT_MS })
        .status === 0,
  };
}
