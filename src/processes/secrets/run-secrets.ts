// The secrets of runs: from the project of the job's working directory. Loaded at the first run that has secrets.
import * as v from 'valibot';
import { LshError } from '../../core/errors.ts';
import type { RunSecrets, SecretSource } from '../../runners/subprocess/command/run-secrets.ts';
import { open } from '../../secrets/envelope/envelope.ts';
import { EnvFile } from '../../secrets/env-file/env-file.ts';
import { identitiesOf } from '../../secrets/local/keys.ts';
import { openProject } from './project-secrets.ts';
import { requireHead } from './pull.ts';

/** Which versions a run has: two if two heads were merged. */
const ReferenceSchema = v.object({
  directory: v.string(),
  environment: v.string(),
  hashes: v.array(v.string()),
});

/** The newest version of the environment of the project that holds the directory. */
export async function openNewest(environment: string, directory: string): Promise<RunSecrets> {
  const { versions, file } = await requireHead(openProject(directory).vault(environment));
  const numbers = versions.map(({ version }) => version);
  const reference: v.InferOutput<typeof ReferenceSchema> = {
    directory,
    environment,
    hashes: versions.map(({ hash }) => hash),
  };
  return {
    variables: Object.fromEntries(file.values),
    version: `${environment}@${numbers.join('+')}`,
    reference: JSON.stringify(reference),
  };
}

/** The values of the same versions, for the mask: what a run got already needs no proof of its ancestors. */
async function reopen(text: string): Promise<RunSecrets> {
  const reference = v.parse(v.pipe(v.string(), v.parseJson(), ReferenceSchema), text);
  const { environment, hashes } = reference;
  const { project, store, keys } = openProject(reference.directory);
  const ref = { project: project.id, environment };
  const files = await Promise.all(
    hashes.map(async (hash) => {
      const stored = await store.version(ref, hash);
      if (stored === undefined) throw new LshError('SECRETS_ENVIRONMENT_EMPTY', ref);
      return new EnvFile((await open(ref, stored, identitiesOf(keys))).text);
    }),
  );
  const variables = Object.fromEntries(
    files.flatMap(({ values }, index) =>
      [...values].map(([key, value]) => [`${key}${'+'.repeat(index)}`, value]),
    ),
  );
  return { variables, version: environment, reference: text };
}

export const projectSecrets: SecretSource = {
  open: (environment, { workingDir }) => openNewest(environment, workingDir),
  reopen,
};
