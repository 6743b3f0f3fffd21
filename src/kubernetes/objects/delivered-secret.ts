// The Kubernetes Secret that `lsh push --to kubernetes` delivers. Pure.

/** The name of the Secret with the variables of an environment, one for each namespace. */
export function deliveredSecretName(environment: string): string {
  return `lsh-secrets-${environment}`;
}
