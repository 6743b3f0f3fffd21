// The channels that a job names and this home does not have. Loaded for jobs that name channels.
import type { Config } from '../../config.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { readChannels } from './channels-file.ts';

/** In their order, each once. Throws what readChannels() throws. */
export function unknownChannels(config: Config, { notify = [] }: Pick<JobSpec, 'notify'>): string[] {
  const known = readChannels(config);
  return [...new Set(notify.flatMap(({ channels }) => channels))].filter((channel) => !known.has(channel));
}
