// The notes that helm prints after an installation.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/core/validate/validate.ts';
import { CHART } from '../../scripts/chart/helm.ts';
import { NO_HELM, objectsIn, only, render } from '../support/chart/chart.ts';

describe.skipIf(NO_HELM)('the notes', () => {
  let chart: string;

  // `helm template` does not print the notes, so the test renders them inside an object.
  beforeAll(() => {
    chart = mkdtempSync(join(tmpdir(), 'lsh-chart-'));
    cpSync(CHART, chart, { recursive: true });
    const notes = readFileSync(join(chart, 'templates/NOTES.txt'), 'utf8').replaceAll(/^/gm, '    ');
    const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: notes\ndata:\n  notes: |\n';
    writeFileSync(join(chart, 'templates/notes.yaml'), object + notes);
  });
  afterAll(() => rmSync(chart, { recursive: true, force: true }));

  const notes = (values: object = {}) =>
    only(render(values, { chart }), 'ConfigMap', 'notes').data!['notes']!;

  test('name the next commands', () => {
    const text = notes();
    expect(text).toContain('kubectl -n lsh-system rollout status deployment/lsh-controller');
    expect(text).toContain('helm test lsh --namespace lsh-system');
    expect(text).toContain('carries out the LshJobs of every namespace.');
    expect(text).not.toMatch(/crds\.keep/);
  });

  test.each([
    ['Shell', {}],
    ['Job', { shell: { enabled: false } }],
    ['Job', { namespaces: ['team-a', 'team-b'], shell: { namespaces: ['team-b'] } }],
  ])('have a first job that is valid, of executor %s', (executor, values) => {
    const example = /<<END\n([^]*?)\n\s*END/.exec(notes(values))![1]!;
    const [job] = objectsIn(example);
    expect(parseManifest(job, 'cluster').spec).toMatchObject({ executor, command: 'date' });
  });

  test('warn of risky values', () => {
    expect(notes({ crds: { keep: false } })).toMatch(/deletes every LshJob/);
    expect(notes()).toMatch(/Shell runs are admitted for lsh-system\. They share one container/);
    expect(notes({ shell: { enabled: false } })).not.toMatch(/Shell runs/);
    expect(notes({ secretsKey: { existingSecret: 'key' } })).toMatch(
      /others' commands, and use the key in the Secret key\./,
    );
    expect(notes()).not.toMatch(/Supabase/);
    expect(notes({ supabase: { existingSecret: 'team' } })).toMatch(
      /the Supabase project in the Secret team\./,
    );
    expect(notes()).toMatch(/one replica/);
    expect(notes({ replicas: 2 })).not.toMatch(/one replica/);
  });
});
