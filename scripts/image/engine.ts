// The programs that build images, and the differences in their calls and stores.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Engine = 'docker' | 'podman' | 'buildah';

/** Limit for a registry that does not answer. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Verbs of buildah that need a signature policy. */
const POLICY_VERBS = new Set(['bud', 'commit', 'from', 'pull', 'push']);

/** The error if no engine works. */
export const NO_ENGINE = 'an image build needs docker, podman or buildah; none of them works here';

/** The first engine that works; an installed engine may not. */
export function findEngine(): Engine | undefined {
  if (succeeds('docker', 'version')) return 'docker';
  if (succeeds('podman', 'info')) return 'podman';
  return succeeds('buildah', '--version') ? 'buildah' : undefined;
}

/** Whether the program exists and exits with 0. */
export function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Runs commands of an engine. Their output goes to stderr, because stdout belongs to the answer. */
export interface EngineCall {
  engine: Engine;
  run: (...args: string[]) => void;
  succeeds: (...args: string[]) => boolean;
}

/** Calls the engine with its own store of images. */
export function engineCall(engine: Engine): EngineCall {
  // Docker before 23 needs this for BuildKit, which supports secrets and platforms.
  return calls(engine, [], { ...process.env, DOCKER_BUILDKIT: '1' });
}

/** Calls buildah with a store in the directory. Needs root and no other privilege; removing the directory removes all. */
export function privateBuildah(directory: string): EngineCall {
  const policy = join(directory, 'policy.json');
  const registries = join(directory, 'registries.conf');
  writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}\n');
  writeFileSync(registries, '');
  const stores = ['--root', join(directory, 'root'), '--runroot', join(directory, 'runroot')];
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot', CONTAINERS_REGISTRIES_CONF: registries };
  const { run, succeeds } = calls('buildah', [...stores, '--storage-driver', 'vfs'], env);
  const withPolicy = ([verb = '', ...rest]: string[]) =>
    POLICY_VERBS.has(verb) ? [verb, '--signature-policy', policy, ...rest] : [verb, ...rest];
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
