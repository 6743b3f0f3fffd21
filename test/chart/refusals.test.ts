// The chart refuses contradictory and invalid values, with the reason, before it installs an object.
import { describe, expect, test } from 'vitest';
import { NO_HELM, refusal } from '../support/chart/chart.ts';

describe.skipIf(NO_HELM)('values that contradict each other', () => {
  test.each([
    [
      'several replicas without a lease',
      { replicas: 3, leaderElection: { enabled: false } },
      'replicas is 3, but without leaderElection.enabled each of them would carry out every job',
    ],
    [
      'a budget for one replica',
      { podDisruptionBudget: { enabled: true } },
      'podDisruptionBudget.enabled needs two replicas, and replicas is 1',
    ],
    [
      'namespaced rights without a namespace',
      { rbac: { scope: 'Namespaced' } },
      'rbac.scope is Namespaced, but namespaces is empty',
    ],
    [
      'an account that is neither created nor named',
      { serviceAccount: { create: false } },
      'serviceAccount.create is false, but serviceAccount.name is empty',
    ],
    [
      'a monitor without its Service',
      { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
      'metrics.serviceMonitor.enabled needs metrics.service.enabled',
    ],
    [
      'one user for both containers',
      { shell: { runAsUser: 1000 }, controller: { runAsUser: 1000 } },
      'shell.runAsUser and controller.runAsUser are both 1000',
    ],
    [
      'shell runs for the default namespace, which the operator does not watch',
      { namespaces: ['team-a'] },
      'LshJobs of the namespace lsh-system may have shell runs, but it is not among namespaces',
    ],
    [
      'shell runs for a namespace that the operator does not watch',
      { namespaces: ['team-a'], shell: { namespaces: ['team-a', 'team-b'] } },
      'LshJobs of the namespace team-b may have shell runs',
    ],
    [
      'namespaces for disabled shell runs',
      { shell: { enabled: false, namespaces: ['team-a'] } },
      'shell.namespaces is set, but shell.enabled is false',
    ],
    [
      'Secrets for disabled shell runs',
      { shell: { enabled: false, secretsEnv: ['prod'] } },
      'shell.secretsEnv is set, but shell.enabled is false',
    ],
    [
      'Secrets of a namespace without shell runs',
      { shell: { namespaces: ['team-a'], secretsEnv: ['prod'] } },
      "shell.secretsEnv mounts Secrets of lsh-system, the release's own namespace",
    ],
    [
      'a secrets key for disabled shell runs',
      { shell: { enabled: false }, secretsKey: { existingSecret: 'key' } },
      'secretsKey.existingSecret is set, but shell.enabled is false',
    ],
    [
      'two sources of the history’s project',
      {
        controller: { extraEnv: [{ name: 'SUPABASE_URL', value: 'https://a.test' }] },
        supabase: { existingSecret: 'team' },
      },
      'controller.extraEnv has SUPABASE_URL or SUPABASE_SERVICE_ROLE_KEY, and so has supabase.existingSecret',
    ],
    [
      'two sources of the secrets key',
      {
        shell: { extraEnv: [{ name: 'LSH_SECRETS_KEY', value: 'x' }] },
        secretsKey: { existingSecret: 'key' },
      },
      'shell.extraEnv has LSH_SECRETS_KEY, and so has secretsKey.existingSecret',
    ],
  ])('%s', (_, values, message) => {
    const text = refusal(values);
    expect(text).toContain('The values contradict each other:');
    expect(text).toContain(`  - ${message}`);
  });

  test('are all reported at once', () => {
    const text = refusal({ podDisruptionBudget: { enabled: true }, rbac: { scope: 'Namespaced' } });
    expect(text.match(/^ {2}- /gm)).toHaveLength(2);
  });
});

describe.skipIf(NO_HELM)('an invalid value', () => {
  test.each([
    ['under a mistyped name', { replica: 2 }, /Additional property replica is not allowed/],
    [
      'under a mistyped nested name',
      { shell: { image: '', enable: true } },
      /shell: Additional property enable/,
    ],
    ['of another type', { replicas: '2' }, /replicas: Invalid type\. Expected: integer, given: string/],
    [
      'outside its enumeration',
      { rbac: { scope: 'Team' } },
      /rbac\.scope: .* must be one of the following: "Cluster", "Namespaced"/,
    ],
    ['of the user root', { shell: { runAsUser: 0 } }, /shell\.runAsUser: Must be greater than or equal to 1/],
    ['that is no name of a namespace', { namespaces: ['Team A'] }, /namespaces\.0: Does not match pattern/],
    [
      'that is no environment of a Secret',
      { shell: { secretsEnv: ['Prod'] } },
      /secretsEnv\.0: Does not match/,
    ],
    ['with a namespace twice', { namespaces: ['a', 'a'] }, /namespaces: .*unique/i],
    ['that is no digest', { image: { digest: 'latest' } }, /image\.digest: Does not match pattern/],
    ['of an empty budget', { podDisruptionBudget: { maxUnavailable: 0 } }, /maxUnavailable: Must be greater/],
    [
      'that is no name of a Secret',
      { secretsKey: { existingSecret: 'My Key' } },
      /existingSecret: Does not match/,
    ],
    ['that is no key of a Secret', { secretsKey: { key: '' } }, /secretsKey\.key: Does not match pattern/],
    ['that is a number as a label', { podLabels: { year: 2026 } }, /podLabels\.year: Invalid type/],
  ])('is refused: one %s', (_, values, message) => {
    expect(refusal(values)).toMatch(message);
  });
});
