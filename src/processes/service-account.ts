// Commands of users must never run where the API token can be read.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LshError } from '../core/errors.ts';

/** Where a pod’s containers find the token, when they are given one. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Throws RUNNER_HAS_TOKEN where a token is mounted. */
export function requireNoToken(directory: string = SERVICE_ACCOUNT): void {
  const path = join(directory, 'token');
  if (existsSync(path)) throw new LshError('RUNNER_HAS_TOKEN', { path });
}
