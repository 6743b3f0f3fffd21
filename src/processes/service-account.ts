// Users’ commands must never run where they can read the API token.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LshError } from '../core/errors.ts';

/** Where Kubernetes mounts the token into the containers of a pod. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Throws RUNNER_HAS_TOKEN if a token is mounted. */
export function requireNoToken(directory: string = SERVICE_ACCOUNT): void {
  const path = join(directory, 'token');
  if (existsSync(path)) throw new LshError('RUNNER_HAS_TOKEN', { path });
}
