// Traces of a real daemon: each run is a span of a collector on loopback, and its command gets the same ids.
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { aDaemon, aHome, aManifest, DAEMON_ARGS, type TestHome } from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';
import { aCollector, hangs, takes, traceparent, type Collector } from '../../support/traces/collector.ts';

const OK = 0;
const ERROR = 2;
const SERVER = 2;
const SAYS = 'printf %s "$TRACEPARENT"';

function traced({ url }: Collector, env: Record<string, string> = {}): TestHome {
  return aHome({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...env });
}

async function started({ client }: TestHome, name: string, spec: JobSpecInput): Promise<string> {
  await client.put({ job: aManifest(name, spec) });
  return (await client.trigger({ name, id: 'one' })).name;
}

async function ended(home: TestHome, name: string, spec: JobSpecInput) {
  const run = await started(home, name, spec);
  return home.client.run({ run, wait: true });
}

describe('a daemon with a collector', () => {
  test('exports a completed run, whose command has the ids of the span', async () => {
    const collector = await aCollector();
    const home = await aDaemon(
      traced(collector, {
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret-1',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      }),
    );
    const run = await ended(home, 'backup', { command: SAYS });
    home.child.kill('SIGTERM');
    const span = await collector.spanOf(run.name);
    expect(run.outputTail).toBe(traceparent(span));
    expect(span).toMatchObject({
      parentSpanId: '',
      name: 'RUN backup',
      kind: SERVER,
      startedAt: Date.parse(run.startedAt!),
      endedAt: Date.parse(run.finishedAt!),
      links: [],
      status: { code: OK, message: '' },
      resource: {
        'service.name': 'lsh',
        'deployment.environment.name': 'test',
        'telemetry.sdk.language': 'nodejs',
      },
    });
    expect(span.attributes).toEqual({
      'cicd.pipeline.action.name': 'RUN',
      'cicd.pipeline.name': 'backup',
      'cicd.pipeline.run.id': run.name,
      'cicd.pipeline.result': 'success',
      'process.exit.code': 0,
      'lsh.run.phase': 'Completed',
      'lsh.run.trigger': 'Manual',
      'lsh.run.slot': run.slot,
      'lsh.run.attempt': 1,
      'lsh.run.executor': 'Shell',
    });
    expect(collector.exports[0]).toMatchObject({ path: '/v1/traces', headers: { 'api-key': 'secret-1' } });
    const { stdout } = await home.ended;
    expect(stdout).not.toContain('secret-1');
  });

  test('exports failed and stopped runs with their reasons, and a retry in the trace of its first attempt', async () => {
    const collector = await aCollector();
    const home = await aDaemon(traced(collector));
    const retry = { limit: 1, initialSeconds: 0 };
    const first = await ended(home, 'failing', { command: `${SAYS}; exit 3`, retry });
    const stopped = await started(home, 'stopped', { command: 'sleep 1000' });
    const late = await ended(home, 'late', { command: 'sleep 1000', timeoutSeconds: 1 });
    await home.client.stop({ name: 'stopped' });
    await eventually(
      async () => (await home.client.run({ run: `${first.name}-2` })).finishedAt !== undefined,
    );
    await home.client.run({ run: stopped, wait: true });
    home.child.kill('SIGTERM');
    const failed = await collector.spanOf(first.name);
    expect(failed).toMatchObject({
      attributes: { 'cicd.pipeline.result': 'failure', 'error.type': 'ExitCode', 'process.exit.code': 3 },
      status: { code: ERROR, message: expect.stringMatching(/^ExitCode/) },
    });
    const second = await collector.spanOf(`${first.name}-2`);
    expect(second).toMatchObject({ traceId: failed.traceId, parentSpanId: failed.spanId });
    expect(second.attributes).toMatchObject({ 'lsh.run.attempt': 2 });
    expect((await home.ended, await collector.spanOf(stopped))).toMatchObject({
      attributes: { 'cicd.pipeline.result': 'cancellation', 'lsh.run.reason': 'StoppedByUser' },
      status: { code: OK },
    });
    expect(await collector.spanOf(late.name)).toMatchObject({
      attributes: { 'cicd.pipeline.result': 'timeout', 'error.type': 'TimedOut', 'lsh.run.phase': 'Killed' },
      status: { code: ERROR },
    });
  });

  test('links a run to the run that it follows', async () => {
    const collector = await aCollector();
    const home = await aDaemon(traced(collector));
    await home.client.put({
      job: { ...aManifest('upload'), spec: { command: 'true', after: [{ job: 'dump' }] } },
    });
    const dump = await ended(home, 'dump', {});
    await eventually(async () => (await home.client.runs({ name: 'upload' }))[0]?.finishedAt !== undefined);
    home.child.kill('SIGTERM');
    const { traceId, spanId } = await collector.spanOf(dump.name);
    await eventually(() => collector.spans.length === 2, { what: 'two spans' });
    const upload = collector.spans.find(({ name }) => name === 'RUN upload')!;
    expect(upload.links).toEqual([{ traceId, spanId }]);
    expect(upload.traceId).not.toBe(traceId);
  });

  test('exports a run that it adopts after kill -9, from its first start', async () => {
    const collector = await aCollector();
    const home = traced(collector);
    const first = await aDaemon(home);
    const [said, gate] = [join(home.env['HOME']!, 'said'), join(home.env['HOME']!, 'gate')];
    execFileSync('mkfifo', [said, gate]);
    const run = await started(first, 'long', { command: `${SAYS} > ${said}; cat ${gate}` });
    const says = await readFile(said, 'utf8');
    const { startedAt } = await first.client.run({ run });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const second = await aDaemon(home);
    await writeFile(gate, '');
    const { finishedAt } = await second.client.run({ run, wait: true });
    second.child.kill('SIGTERM');
    const span = await collector.spanOf(run);
    expect([span.startedAt, span.endedAt]).toEqual([Date.parse(startedAt!), Date.parse(finishedAt!)]);
    expect(span).toMatchObject({ attributes: { 'cicd.pipeline.result': 'success' } });
    expect(says).toBe(traceparent(span));
  });

  test('leaves a job the TRACEPARENT that it sets itself', async () => {
    const collector = await aCollector();
    const home = await aDaemon(traced(collector));
    const env = [{ name: 'TRACEPARENT', value: '00-11111111111111111111111111111111-2222222222222222-01' }];
    const run = await ended(home, 'own', { command: SAYS, env });
    expect(run.outputTail).toBe(env[0]!.value);
  });

  test('runs on and stops in time while the collector hangs', async () => {
    const collector = await aCollector(hangs);
    const home = await aDaemon(traced(collector, { OTEL_EXPORTER_OTLP_TIMEOUT: '200' }));
    await ended(home, 'first', {});
    await collector.called(1);
    const run = await ended(home, 'second', { command: 'echo runs' });
    expect(run.outputTail).toBe('runs\n');
    home.child.kill('SIGTERM');
    const { status, stdout } = await home.ended;
    expect(status).toBe(0);
    expect(stdout.split('\n').filter((line) => line.includes('spans are lost'))).toHaveLength(1);
  });

  test('waits for the last export for a limited time when it stops', async () => {
    const collector = await aCollector(hangs);
    const home = await aDaemon(traced(collector));
    await ended(home, 'last', {});
    home.child.kill('SIGTERM');
    const { status, stdout } = await home.ended;
    expect(status).toBe(0);
    expect(stdout).toContain('the collector did not take them in time');
  });

  test('logs a collector that refuses once, and once that it takes spans again', async () => {
    const collector = await aCollector((response) => void response.writeHead(401).end('api-key'));
    const home = await aDaemon(traced(collector));
    const text = { out: '' };
    home.child.stdout?.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
    await ended(home, 'first', {});
    await collector.called(1);
    await ended(home, 'second', {});
    await collector.called(2);
    collector.answer = takes;
    await ended(home, 'third', {});
    await eventually(() => text.out.includes('takes spans again'), { what: 'a line in the log' });
    const lines = text.out.split('\n').filter((line) => line.includes('"component":"traces"'));
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'warn', detail: 'the collector answers with status 401' },
      { level: 'info' },
    ]);
  });
});

describe('OpenTelemetry', () => {
  const PRINTS = [
    '--import',
    new URL('../../support/traces/print-loads.ts', import.meta.url).href,
    ...DAEMON_ARGS,
  ];
  const CHUNK = 'telemetry-traces-span-exporter.js';

  async function loadedBy(home: TestHome) {
    const daemon = await aDaemon(home, PRINTS);
    const run = await ended(daemon, 'backup', { command: SAYS });
    daemon.child.kill('SIGTERM');
    const { stderr } = await daemon.ended;
    expect(stderr).toContain('loads file:');
    return { stderr, traceparent: run.outputTail ?? '' };
  }

  test('is loaded for the first span', async () => {
    const { stderr, traceparent: said } = await loadedBy(traced(await aCollector()));
    expect(said).toMatch(/^00-/);
    expect(stderr).toContain(CHUNK);
  });

  test.each([
    ['no variable', {}],
    ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'TRUE' }],
    ['OTEL_TRACES_EXPORTER=none', { OTEL_TRACES_EXPORTER: 'none' }],
    ['OTEL_EXPORTER_OTLP_PROTOCOL=grpc', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  ])('is not loaded with %s, and a command gets no TRACEPARENT', async (_, env: Record<string, string>) => {
    const collector = await aCollector();
    const home = Object.keys(env).length === 0 ? aHome() : traced(collector, env);
    const { stderr, traceparent: said } = await loadedBy(home);
    expect(said).toBe('');
    expect(stderr).not.toContain(CHUNK);
    expect(collector.exports).toEqual([]);
  });
});
