// The chart’s rights are those of deploy/rbac; another test proves that those are the least that works.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NO_HELM, objectsIn, only, podOf, render, type Rendered } from '../support/chart/chart.ts';
import { shippedRbac } from '../support/cluster/operator.ts';

const core = ({ apiVersion, kind, metadata, rules, roleRef, subjects }: Rendered) => ({
  apiVersion,
  kind,
  name: metadata.name,
  namespace: metadata.namespace,
  ...(rules && { rules }),
  ...(roleRef && { roleRef }),
  ...(subjects && { subjects }),
});

describe.skipIf(NO_HELM)('rights', () => {
  test('are cluster-wide those of deploy/rbac', () => {
    const objects = render();
    for (const shipped of shippedRbac() as unknown as Rendered[])
      expect(core(only(objects, shipped.kind, shipped.metadata.name))).toEqual(core(shipped));
  });

  test('are the same in selected namespaces, bound to the same account', () => {
    const objects = render({
      namespaces: ['team-a', 'team-b'],
      rbac: { scope: 'Namespaced' },
      shell: { namespaces: ['team-a'] },
    });
    const { rules } = (shippedRbac() as Rendered[]).find(({ kind }) => kind === 'ClusterRole')!;
    const [shipped] = objectsIn(readFileSync('deploy/rbac/namespaced.yaml', 'utf8'));
    for (const namespace of ['team-a', 'team-b']) {
      const here = objects.filter(
        ({ metadata }) => metadata.namespace === namespace && metadata.name === 'lsh-controller',
      );
      expect(only(here, 'Role').rules).toEqual(rules);
      expect(only(here, 'RoleBinding')).toMatchObject({
        roleRef: { kind: 'Role', name: 'lsh-controller' },
        subjects: shipped!.subjects,
      });
    }
    expect(objects.filter(({ kind }) => kind === 'ClusterRoleBinding')).toEqual([]);
    expect(only(objects, 'Role', 'lsh-controller-lease').metadata.namespace).toBe('lsh-system');
  });

  test('and the account can be left to another tool', () => {
    const objects = render({ rbac: { create: false }, serviceAccount: { create: false, name: 'operator' } });
    const ours = objects.filter(({ metadata }) => metadata.name.startsWith('lsh-controller'));
    expect(ours.map(({ kind }) => kind).sort()).toEqual(['Deployment', 'NetworkPolicy']);
    expect(podOf(objects).serviceAccountName).toBe('operator');
    const named = render({ serviceAccount: { create: false, name: 'operator' } });
    expect(only(named, 'ClusterRoleBinding').subjects).toMatchObject([{ name: 'operator' }]);
  });

  test('of people extend to LshJobs, without their status', () => {
    const objects = render();
    const [view, edit] = ['lsh-view', 'lsh-edit'].map((name) => only(objects, 'ClusterRole', name));
    const to = 'rbac.authorization.k8s.io/aggregate-to-';
    expect(view!.metadata.labels).toMatchObject({
      [`${to}view`]: 'true',
      [`${to}edit`]: 'true',
      [`${to}admin`]: 'true',
    });
    expect(edit!.metadata.labels).toMatchObject({ [`${to}edit`]: 'true', [`${to}admin`]: 'true' });
    expect(edit!.metadata.labels).not.toHaveProperty(`${to}view`);
    expect(view!.rules!.flatMap(({ verbs }) => verbs).sort()).toEqual(['get', 'list', 'watch']);
    for (const { resources } of [...view!.rules!, ...edit!.rules!]) expect(resources).toEqual(['lshjobs']);
    const none = render({ rbac: { aggregate: false } });
    expect(none.filter(({ metadata }) => /-(?:view|edit)$/.test(metadata.name))).toEqual([]);
  });

  test('of helm test cover only LshJobs', () => {
    const [rule, ...more] = only(render(), 'Role', 'lsh-test').rules!;
    expect(more).toEqual([]);
    expect(rule).toMatchObject({ apiGroups: ['lsh.dev'], resources: ['lshjobs'] });
  });
});
