// The variables of a container: lifted into the job as one list, or left in the pod template as one list, so that
// their order, which references between them depend on, stays.
import type { JobSpecInput } from '../../../core/job.ts';
import type { Container } from './reading.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface CarriedEnvironment {
  lifted: Pick<JobSpecInput, 'env' | 'envFrom'>;
  /** For the pod template. */
  kept: Pick<Container, 'env' | 'envFrom'>;
}

/** Each list goes whole, to one side or to the other. */
export function carriedEnvironment({
  env = [],
  envFrom = [],
}: Pick<Container, 'env' | 'envFrom'>): CarriedEnvironment {
  // A name twice means the later value there; here it would be refused.
  const names = new Set(env.map(({ name }) => name));
  const liftEnv = names.size === env.length && env.every(({ name }) => NAME.test(name));
  const liftSources = envFrom.every(
    (source) => source['configMapRef'] !== undefined || source['secretRef'] !== undefined,
  );
  const variables = env.map(({ name, value, valueFrom }) =>
    valueFrom === undefined ? { name, value: value ?? '' } : { name, valueFrom },
  );
  return {
    lifted: {
      ...(liftEnv && env.length > 0 && { env: variables }),
      ...(liftSources && envFrom.length > 0 && { envFrom }),
    },
    kept: {
      ...(!liftEnv && { env }),
      ...(!liftSources && { envFrom }),
    },
  };
}
