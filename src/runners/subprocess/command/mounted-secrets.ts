// The secrets of runs from Kubernetes Secrets that the kubelet mounts beside the runner: DIRECTORY/NAMESPACE/ENVIRONMENT has
// a file for each variable. `lsh push --to kubernetes` delivers them, so no key opens them here.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { splitKey } from '../../../core/naming.ts';
import { SECRETS_VERSION_VARIABLE } from '../../../core/run-variables.ts';
import type { Environment } from './child-env.ts';
import type { RunSecrets, SecretSource } from './run-secrets.ts';

/** The link that the kubelet sets to a new directory at each change of a Secret. */
const CURRENT = '..data';

export function mountedSecrets(root: string): SecretSource {
  return {
    open: async (environment, { job }) => {
      const { namespace } = splitKey(job);
      const mount = mountOf(root, namespace, environment);
      for (;;) {
        const directory = currentOf(mount);
        const secrets = read(directory);
        // The kubelet deletes files after it has set the link: this may be a part of them.
        if (currentOf(mount) !== directory) continue;
        if (secrets !== undefined) return secrets;
        throw new Error(
          `the Secret lsh-secrets-${environment} of the namespace ${namespace} does not exist, or \`lsh push --to kubernetes\` did not deliver it`,
        );
      }
    },
    reopen: async (reference) => {
      const secrets = read(reference.slice(reference.indexOf(' ') + 1));
      if (secrets?.reference === reference) return secrets;
      throw new Error('the Secret has changed since the run began');
    },
  };
}

/** Throws for an environment that is not mounted. */
function mountOf(root: string, namespace: string, environment: string): string {
  const own = join(root, namespace);
  if (!existsSync(own))
    throw new Error(
      `shell runs of the namespace ${namespace} have none: only Secrets of lsh's own namespace are mounted`,
    );
  const mount = join(own, environment);
  if (!existsSync(mount)) throw new Error(`shell.secretsEnv of the chart does not list ${environment}`);
  return mount;
}

/** The directory of the newest version; the mount itself where no kubelet has made the link. */
function currentOf(mount: string): string {
  try {
    return join(mount, readlinkSync(join(mount, CURRENT)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return mount;
    throw error;
  }
}

/** Undefined if the directory is gone, or holds no delivered Secret. */
function read(directory: string): RunSecrets | undefined {
  const { [SECRETS_VERSION_VARIABLE]: version, ...variables } = filesIn(directory);
  if (version === undefined) return undefined;
  // The kubelet never changes that directory, and deletes it after the next change of the Secret.
  return { variables, version, reference: `${version} ${directory}` };
}

/** The content of each file, by name. A file, or the directory, may vanish meanwhile. */
function filesIn(directory: string): Environment {
  try {
    const names = readdirSync(directory).filter((name) => !name.startsWith('..'));
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
