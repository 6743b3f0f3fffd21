// How a build comes to the packages of npm: by this machine's settings, which it reads and does not keep.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EngineCall } from './engine.ts';

/** Options that hand over this machine's npmrc and further certificates, where it has such, as the Dockerfile asks. */
export function npmSecrets(): string[] {
  const sources = {
    npmrc: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
    ca: process.env['NODE_EXTRA_CA_CERTS'] ?? '',
  };
  return Object.entries(sources)
    .filter(([, path]) => existsSync(path))
    .flatMap(([id, path]) => ['--secret', `id=${id},src=${path}`]);
}

/** Whether a package can be looked up within a build: without, what fails says nothing about the Dockerfile. */
export function reachesPackages(call: EngineCall, directory: string, base: string): boolean {
  const context = join(directory, 'trial');
  mkdirSync(context);
  const lookUp = 'NODE_EXTRA_CA_CERTS=/run/secrets/ca npm view --fetch-retries=0 esbuild version';
  const mounts =
    '--mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca,target=/run/secrets/ca';
  writeFileSync(join(context, 'Dockerfile'), `FROM ${base}\nRUN ${mounts} ${lookUp}\n`);
  return call.succeeds('bud', '--pull=false', ...npmSecrets(), context);
}
