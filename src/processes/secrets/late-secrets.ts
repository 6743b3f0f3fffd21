// Where runs get their secrets: from the project of their directory. A daemon without such jobs loads nothing of it.
import type { SecretSource } from '../../runners/subprocess/command/run-secrets.ts';

const load = async () => (await import('./run-secrets.ts')).projectSecrets;

export const localSecrets: SecretSource = {
  open: async (environment, by) => (await load()).open(environment, by),
  reopen: async (reference) => (await load()).reopen(reference),
};
