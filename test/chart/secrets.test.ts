// The secrets of each container. The chart creates no Secret, and only the kubelet reads them, not the operator.
import { describe, expect, test } from 'vitest';
import {
  container,
  envOf,
  NO_HELM,
  podOf,
  render,
  testPodOf,
  type Rendered,
} from '../support/chart/chart.ts';
import { VARIANTS } from '../support/chart/chart-variants.ts';

/** The variables and volumes from Secrets in all containers of the release, `helm test` included. */
function fromSecrets(objects: readonly Rendered[]): Record<string, string> {
  const found = [...podOf(objects).containers, ...testPodOf(objects).containers].flatMap(
    ({ name, env = [] }) =>
      env.flatMap((variable) => {
        const ref = variable.valueFrom?.secretKeyRef;
        return ref ? [[`${name}: ${variable.name}`, `${ref.name}/${ref.key}`]] : [];
      }),
  );
  return Object.fromEntries(found) as Record<string, string>;
}

describe.skipIf(NO_HELM)('secrets', () => {
  test('are none by default', () => {
    expect(fromSecrets(render())).toEqual({});
  });

  test('for commands go to the shell container only', () => {
    expect(fromSecrets(render({ secretsKey: { existingSecret: 'key' } }))).toEqual({
      'shell: LSH_SECRETS_KEY': 'key/LSH_SECRETS_KEY',
    });
  });

  test('that lsh push delivered are mounted into the shell container only, and may come later', () => {
    const objects = render({ shell: { secretsEnv: ['prod'] } }, { namespace: 'jobs' });
    const mount = { name: 'secrets-prod', mountPath: '/etc/lsh/secrets/jobs/prod', readOnly: true };
    expect(container(objects, 'shell').volumeMounts).toContainEqual(mount);
    expect(envOf(container(objects, 'shell'))['LSH_DELIVERED_SECRETS']).toBe('/etc/lsh/secrets');
    expect(podOf(objects).volumes).toContainEqual({
      name: 'secrets-prod',
      secret: { secretName: 'lsh-secrets-prod', optional: true, defaultMode: 0o440 },
    });
    const controller = container(objects, 'controller');
    expect(controller.volumeMounts?.map(({ name }) => name)).not.toContain('secrets-prod');
    expect(envOf(controller)).not.toHaveProperty('LSH_DELIVERED_SECRETS');
  });

  test('for the history go to the controller only', () => {
    expect(fromSecrets(render({ supabase: { existingSecret: 'team' } }))).toEqual({
      'controller: SUPABASE_URL': 'team/SUPABASE_URL',
      'controller: SUPABASE_SERVICE_ROLE_KEY': 'team/SUPABASE_SERVICE_ROLE_KEY',
    });
  });

  test('for both go to their own container, under the names of the values', () => {
    const { values, release } = VARIANTS['everything']!;
    expect(fromSecrets(render(values, release))).toEqual({
      'controller: SUPABASE_URL': 'lsh-supabase/url',
      'controller: SUPABASE_SERVICE_ROLE_KEY': 'lsh-supabase/service_role',
      'shell: LSH_SECRETS_KEY': 'lsh-secrets-key/identity.txt',
    });
  });

  test.each(Object.entries(VARIANTS))('are neither created nor readable by the release: %s', (_, variant) => {
    const objects = render(variant.values, variant.release);
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const readable = objects.flatMap(({ rules = [] }) => rules.flatMap(({ resources }) => resources));
    expect(readable).not.toContain('secrets');
    for (const { envFrom } of podOf(objects).containers) expect(envFrom).toBeUndefined();
  });

  test('have the names of the values, numeric ones too', () => {
    const objects = render({ secretsKey: { existingSecret: '123', key: '1.0' } });
    const variable = container(objects, 'shell').env?.find(({ name }) => name === 'LSH_SECRETS_KEY');
    expect(variable?.valueFrom).toEqual({ secretKeyRef: { name: '123', key: '1.0' } });
  });
});
