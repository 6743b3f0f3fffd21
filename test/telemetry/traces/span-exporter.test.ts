// The exporter against a collector that takes its time: what waits is bounded.
import type { ServerResponse } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { RunSpanExporter } from '../../../src/telemetry/traces/span-exporter.ts';
import { aRun } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { aCollector, takes } from '../../support/traces/collector.ts';

/** Spans of one export, and spans that wait beside it. */
const BATCH = 512;
const QUEUE = 2048;

test('of more spans than the queue holds the newest are lost, which the log says', async () => {
  const held: ServerResponse[] = [];
  const collector = await aCollector((response) => void held.push(response));
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  onTestFinished(() => void vi.unstubAllEnvs());
  const logger = keptLogger();
  const exporter = new RunSpanExporter({ version: 'test', logger });
  const add = (number: number) =>
    exporter.add(aRun({ name: `backup-${number}`, phase: 'Completed', finishedAt: 0 }), undefined);
  for (let number = 1; number <= BATCH + QUEUE + 100; number++) add(number);
  await collector.called(1);
  collector.answer = takes;
  held[0]!.end();
  await eventually(() => collector.spans.length === BATCH + QUEUE, { what: 'all spans that waited' });
  add(0);
  await exporter.close();
  const runs = new Set(collector.spans.map(({ attributes }) => attributes['cicd.pipeline.run.id']));
  expect(runs.size).toBe(BATCH + QUEUE + 1);
  expect(runs).toContain(`backup-${BATCH + QUEUE}`);
  expect(runs).not.toContain(`backup-${BATCH + QUEUE + 1}`);
  expect(logger.lines).toMatchObject([
    { level: 'warn', fields: { detail: expect.stringContaining('Dropped 100 spans') } },
  ]);
});

test('a warning of OpenTelemetry is in the log with all its words', async () => {
  const collector = await aCollector((response) => void response.writeHead(200).end('ok'));
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  onTestFinished(() => void vi.unstubAllEnvs());
  const logger = keptLogger();
  const exporter = new RunSpanExporter({ version: 'test', logger });
  exporter.add(aRun({ name: 'backup-1', phase: 'Completed', finishedAt: 0 }), undefined);
  await exporter.close();
  expect(logger.lines).toMatchObject([
    {
      level: 'warn',
      fields: { detail: expect.stringMatching(/^OTLPExportDelegate: Export succeeded but /) },
    },
  ]);
});
