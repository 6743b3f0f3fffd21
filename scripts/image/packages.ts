// Gives an image build access to npm packages: mounts this machine's settings as secrets, which no layer keeps.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EngineCall } from './engine.ts';

/** Options that pass this machine's npmrc and extra certificates, if any, as the secrets of the Dockerfile. */
export function npmSecrets(): string[] {
  const sources = {
    npmrc: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
    ca: process.env['NODE_EXTRA_CA_CERTS'] ?? '',
  };
  return Object.entries(sources)
    .filter(([, path]) => existsSync(path))
    .flatMap(([id, path]) => ['--secret', `id=${id},src=${path}`]);
}

/** Whether a build can look up a package: if not, a failed build would say nothing about the Dockerfile. */
export function reachesPackages(call: EngineCall, directory: string, base: string): boolean {
  const context = join(directory, 'trial');
  mkdirSync(context);
  const lookUp = 'NODE_EXTRA_CA_CERTS=/run/secrets/ca npm view --fetch-retries=0 esbuild version';
  const mounts =
    '--mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca,target=/run/secrets/ca';
  writeFileSync(join(context, 'Dockerfile'), `FROM ${base}\nRUN ${mounts} ${lookUp}\n`);
  return call.succeeds('bud', '--pull=false', ...npmSecrets(), context);
}
