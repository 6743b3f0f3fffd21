// Alerts and dashboard query metrics and labels that the controller exposes.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { RUN_PHASES } from '../../src/core/run.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { addReadings } from '../../src/processes/operator/controller-readings.ts';
import { aRun } from '../support/builders.ts';
import { NO_HELM, only, render } from '../support/chart/chart.ts';

/** Labels that Prometheus itself adds to a series. */
const TARGET_LABELS = ['namespace', 'pod'];

/** Labels of each series that a controller can expose. */
async function exposedSeries(): Promise<Map<string, Set<string>>> {
  const metrics = new Metrics();
  addReadings(metrics, { leads: true, scheduler: undefined, watches: [] }, 1);
  const run = aRun({ phase: 'Completed' });
  const slot = { job: run.job, from: 0, to: 0, count: 1, recordedAt: 0, outcome: 'Missed' } as const;
  metrics.started(run, 10);
  const change = { runs: [run], slots: [{ ...slot, cause: 'NotEvaluated' as const }], forget: [] };
  metrics.recorded({ key: run.job, job: undefined, change, events: [] });
  metrics.reconciled('error', 1);
  metrics.queued(true);
  metrics.requested('GET', 200);
  const { body } = await metrics.text();
  const series = new Map<string, Set<string>>();
  for (const [, name, labels = ''] of body.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm))
    series.set(name!, new Set([...labels.matchAll(/(\w+)=/g)].map((match) => match[1]!)));
  return series;
}

/** The series of an expression, with the labels that it selects or groups by. */
function asked(expression: string): { name: string; labels: string[] }[] {
  const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap((match) => match[1]!.split(/,\s*/));
  return [...expression.matchAll(/([a-z_]+)\{([^}]*)\}/g)].map(([, name, selector]) => ({
    name: name!,
    labels: [...grouped, ...[...selector!.matchAll(/(\w+)(?==|!=)/g)].map((match) => match[1]!)],
  }));
}

describe.skipIf(NO_HELM)('the alerts and the dashboard', () => {
  const metrics = { prometheusRule: { enabled: true }, dashboard: { enabled: true } };
  const supabase = { existingSecret: 'team' };
  const objects = NO_HELM ? [] : render({ metrics, supabase });
  const { groups = [] } = (NO_HELM ? {} : only(objects, 'PrometheusRule').spec) as {
    groups?: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
  };
  const alerts = groups.flatMap(({ rules }) => rules);
  const { panels } = JSON.parse(readFileSync('charts/lsh/files/dashboard.json', 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const expressions = [
    ...alerts.map(({ alert, expr }) => [alert, expr] as const),
    ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`panel "${title}"`, expr] as const)),
  ];
  let series: Map<string, Set<string>>;

  beforeAll(async () => {
    series = await exposedSeries();
  });

  test('cover the failures of an operator', () => {
    expect(alerts.map(({ alert }) => alert)).toEqual([
      'LshNoLeader',
      'LshRunsLate',
      'LshRunsFailing',
      'LshRunsStuck',
      'LshSlotsMissed',
      'LshWatchStale',
      'LshReconcileErrors',
      'LshHistoryBacklog',
    ]);
    for (const { annotations } of alerts) {
      expect(annotations['summary']).toMatch(/\.$/);
      expect(annotations['description']).toMatch(/\.$/);
    }
  });

  test('omit the history in a release without one', () => {
    expect(JSON.stringify(only(render({ metrics }), 'PrometheusRule'))).not.toMatch(/lsh_history|LshHistory/);
  });

  test.each(expressions)('%s queries existing series', (_, expression) => {
    const all = asked(expression);
    expect(all).not.toEqual([]);
    for (const { name, labels } of all) {
      expect([...series.keys()]).toContain(name);
      expect([...series.get(name)!, ...TARGET_LABELS]).toEqual(expect.arrayContaining(labels));
    }
    expect(expression.split('(').length).toBe(expression.split(')').length);
  });

  test('name existing phases and causes', () => {
    const named = (label: string) =>
      expressions.flatMap(([, expression]) =>
        [...expression.matchAll(new RegExp(`${label}=~"([^"]*)"`, 'g'))].flatMap((match) =>
          match[1]!.split('|'),
        ),
      );
    expect(named('phase').length).toBeGreaterThan(0);
    expect([...RUN_PHASES]).toEqual(expect.arrayContaining(named('phase')));
    const due = readFileSync('src/core/decide/due.ts', 'utf8');
    expect(named('cause').length).toBeGreaterThan(0);
    for (const cause of named('cause')) expect(due).toContain(`cause: '${cause}'`);
  });

  test('select the pods of this release', () => {
    for (const { expr } of alerts) {
      for (const [, selector] of expr.matchAll(/\{([^}]*)\}/g))
        expect(selector).toContain('namespace="lsh-system", pod=~"lsh-controller-.*"');
    }
  });

  test('take their limits from the values', () => {
    const prometheusRule = { enabled: true, lateSeconds: 2.5, failingRatio: 0.1, historyBacklog: 0 };
    const text = JSON.stringify(only(render({ metrics: { prometheusRule }, supabase }), 'PrometheusRule'));
    expect(text).toContain('> 2.5"');
    expect(text).toContain('>= 0.1"');
    expect(text).toContain('> 0","for":"15m"');
  });

  test('have the panels of the dashboard’s file', () => {
    const { data } = only(objects, 'ConfigMap', 'lsh-dashboard');
    expect(JSON.parse(data!['lsh.json']!)).toMatchObject({ title: 'lsh', panels });
  });
});
