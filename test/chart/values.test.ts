// values.yaml, its schema, its page and the environment of the processes agree.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { VARIABLES } from '../../src/config/variables.ts';
import { chartValues } from '../../scripts/gen/chart-readme.ts';
import { container, envOf, NO_HELM, podOf, render } from '../support/chart/chart.ts';
import { VARIANTS } from '../support/chart/chart-variants.ts';

interface Schema {
  type?: string;
  $ref?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean;
  minimum?: number;
  maximum?: number;
}

const schema = JSON.parse(readFileSync('charts/lsh/values.schema.json', 'utf8')) as Schema;

/** Paths of the schema, down to the depth that values.yaml documents. */
function schemaPaths(node: Schema, explained: Set<string>, prefix = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = prefix + name;
    return explained.has(path) || !child.properties ? [path] : schemaPaths(child, explained, `${path}.`);
  });
}

function schemaOf(path: string): Schema {
  return path.split('.').reduce((node, name) => node.properties![name]!, schema);
}

describe('the values', () => {
  const values = chartValues();

  test('are exactly those of the schema', () => {
    const explained = new Set(values.map(({ path }) => path));
    const others = schemaPaths(schema, explained).filter((path) => path !== 'global');
    expect(others.sort()).toEqual([...explained].sort());
  });

  test('allow no unknown name at any level', () => {
    const open = (node: Schema, path: string): string[] => [
      ...(node.properties && node.additionalProperties !== false ? [path] : []),
      ...Object.entries(node.properties ?? {}).flatMap(([name, child]) => open(child, `${path}.${name}`)),
    ];
    expect(open(schema, 'values')).toEqual([]);
  });

  test('each have a sentence; a value without one is an error', () => {
    for (const { description } of values) expect(description).toMatch(/^[A-Z].*\.$/);
    expect(() => chartValues('# A sentence.\na: 1\nb: 2\n')).toThrow('b has no comment');
  });

  test('of documented maps and of opaque maps are told apart', () => {
    const text = '# About the file.\n\n# A.\na: 1\nb:\n  # C.\n  c:\n    x: 1\n    y: 2\n';
    expect(chartValues(text)).toEqual([
      { path: 'a', description: 'A.', default: 1 },
      { path: 'b.c', description: 'C.', default: { x: 1, y: 2 } },
    ]);
  });
});

describe.skipIf(NO_HELM)('the environment of the containers', () => {
  const known = new Set(Object.values(VARIABLES).map(({ name }) => name));

  test.each(Object.entries(VARIANTS))('is valid for the program: %s', (_, variant) => {
    const objects = render(variant.values, variant.release);
    for (const one of podOf(objects).containers) {
      const env = envOf(one);
      for (const variable of Object.keys(env).filter((one) => one.startsWith('LSH_')))
        expect(known).toContain(variable);
      expect(loadConfig(env)).toMatchObject({ nodeEnv: 'production', warnings: [] });
    }
  });

  test('has the values', () => {
    const objects = render({
      logLevel: 'debug',
      leaderElection: { leaseDurationSeconds: 30 },
      controller: {
        workers: 7,
        maxStartsPerSecond: 20,
        evaluationIntervalSeconds: 90,
        jobImage: 'alpine:3',
      },
      shell: { leaseSeconds: 20, graceSeconds: 5, maxConcurrentRuns: 3, maxOutputMiB: 2 },
    });
    expect(loadConfig(envOf(container(objects, 'controller')))).toMatchObject({
      logLevel: 'debug',
      leaseDurationMs: 30_000,
      workers: 7,
      maxStartsPerSecond: 20,
      evaluationIntervalMs: 90_000,
      jobImage: 'alpine:3',
      httpPort: 8080,
      leaderElect: true,
      runnerLeaseMs: 20_000,
      runnerGraceMs: 5_000,
      namespaces: undefined,
      shellNamespaces: ['lsh-system'],
    });
    expect(loadConfig(envOf(container(objects, 'shell')))).toMatchObject({
      runnerLeaseMs: 20_000,
      runnerGraceMs: 5_000,
      maxConcurrentRuns: 3,
      maxOutputBytes: 2 * 1024 * 1024,
      runnerGroupAccess: true,
    });
  });

  test.each(['minimum', 'maximum'] as const)('is valid at the %s of each value', (bound) => {
    const limit = (path: string) => schemaOf(path)[bound]!;
    const objects = render({
      leaderElection: { leaseDurationSeconds: limit('leaderElection.leaseDurationSeconds') },
      controller: {
        workers: limit('controller.workers'),
        maxStartsPerSecond: limit('controller.maxStartsPerSecond'),
        evaluationIntervalSeconds: limit('controller.evaluationIntervalSeconds'),
      },
      shell: {
        leaseSeconds: limit('shell.leaseSeconds'),
        graceSeconds: limit('shell.graceSeconds'),
        maxConcurrentRuns: limit('shell.maxConcurrentRuns'),
        maxOutputMiB: limit('shell.maxOutputMiB'),
      },
    });
    for (const name of ['controller', 'shell'])
      expect(() => loadConfig(envOf(container(objects, name)))).not.toThrow();
  });

  test('can allow dangerous commands, and the program then warns', () => {
    const objects = render({ commands: { allowDangerous: true } });
    for (const name of ['controller', 'shell']) {
      const config = loadConfig(envOf(container(objects, name)));
      expect(config).toMatchObject({ allowDangerousCommands: true });
      expect(config.warnings).toHaveLength(1);
    }
  });

  test('can allow dangerous commands of single LshJobs, to both processes', () => {
    const objects = render({ commands: { allowDangerousJobs: ['team-a/wipe', 'team-b/wipe'] } });
    for (const name of ['controller', 'shell']) {
      const config = loadConfig(envOf(container(objects, name)));
      expect(config).toMatchObject({
        allowDangerousCommands: false,
        dangerousJobs: ['team-a/wipe', 'team-b/wipe'],
      });
    }
  });
});
