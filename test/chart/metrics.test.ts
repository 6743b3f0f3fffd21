// Alerts and dashboard query metrics and labels that the controller exposes.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { RUN_PHASES } from '../../src/core/run.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { addReadings } from '../../src/processes/operator/controller-readings.ts';
import { jobSeries } from '../../src/telemetry/job-series.ts';
import { aJob, aRun, aStatus } from '../support/builders.ts';
import { NO_HELM, only, render } from '../support/chart/chart.ts';

/** Labels that Prometheus itself adds to a series. A series with such a label keeps its own under another name. */
const TARGET_LABELS = ['namespace', 'pod'];
const OWN_LABELS = new Map([
  ['namespace', 'exported_namespace'],
  ['job', 'exported_job'],
]);

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
  metrics.told('ops', 'dead', 1);
  const { body: shared } = await metrics.text();
  const condition = {
    status: 'True',
    reason: 'ExitCode',
    message: '',
    lastTransitionAt: 0,
    observedGeneration: 1,
  } as const;
  const status = aStatus({
    conditions: (['Failing', 'Overdue', 'Slow'] as const).map((type) => ({ type, ...condition })),
    lastSuccessAt: 1,
    nextScheduleAt: 2,
  });
  const job = aJob({}, { status });
  const { lines } = jobSeries({ keys: () => [job.key], jobOf: () => job, runsOf: () => [run] }, 1);
  const body = [shared, ...lines, ''].join('\n');
  const series = new Map<string, Set<string>>();
  for (const [, name, labels = ''] of body.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm))
    series.set(
      name!,
      new Set([...labels.matchAll(/(\w+)=/g)].map((match) => OWN_LABELS.get(match[1]!) ?? match[1]!)),
    );
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
  const notSucceeded = [{ job: 'backup-.*', namespace: 'ops', hours: 26 }];
  const metrics = { prometheusRule: { enabled: true, notSucceeded }, dashboard: { enabled: true } };
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
      'LshNoticesDead',
      'LshJobFailing',
      'LshJobOverdue',
      'LshJobSlotOverdue',
      'LshJobNotSucceeded',
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

  test('name a job that has not succeeded for the hours of its entry, also one that never has', () => {
    const { expr } = alerts.find(({ alert }) => alert === 'LshJobNotSucceeded')!;
    const selected = 'exported_namespace=~"ops", exported_job=~"backup-.*"';
    expect(asked(expr).map(({ name }) => name)).toEqual([
      'lsh_job_last_success_timestamp_seconds',
      'lsh_job_created_timestamp_seconds',
    ]);
    expect(expr.split(selected).length).toBe(3);
    expect(expr).toMatch(/> 93600$/);
    expect(
      JSON.stringify(only(render({ metrics: { prometheusRule: { enabled: true } } }), 'PrometheusRule')),
    ).not.toContain('LshJobNotSucceeded');
  });

  test('of single jobs go with their metrics', () => {
    const none = { ...metrics, perJob: 0 };
    expect(JSON.stringify(only(render({ metrics: none }), 'PrometheusRule'))).not.toMatch(/LshJob[A-Z]/);
  });

  test('tell of dead letters, also of the first of a channel', () => {
    const { expr } = alerts.find(({ alert }) => alert === 'LshNoticesDead')!;
    expect(asked(expr).map(({ name }) => name)).toEqual(Array(3).fill('lsh_notices_total'));
    expect(expr.match(/result="dead"/g)).toHaveLength(3);
    expect(expr).toMatch(/unless .* offset 1h\) > 0$/);
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
