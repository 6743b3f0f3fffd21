// Moves the variables of the main container into the job, or leaves them in the pod template. A list moves whole,
// because `$(NAME)` in a variable depends on the order.
import type { JobSpecInput } from '../../../core/spec/job-spec.ts';
import type { Container } from './findings.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface ConvertedEnvironment {
  /** For the job. */
  lifted: Pick<JobSpecInput, 'env' | 'envFrom'>;
  /** For the pod template. */
  kept: Pick<Container, 'env' | 'envFrom'>;
}

/** Splits the two lists between the job and the pod template. */
export function convertEnvironment({
  env = [],
  envFrom = [],
}: Pick<Container, 'env' | 'envFrom'>): ConvertedEnvironment {
  // Kubernetes takes the later of two equal names; an LshJob refuses them.
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
