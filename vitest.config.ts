import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Need an API server; test/support/cluster/kube-setup.ts brings one. */
const CLUSTER_TESTS = [
  'test/kubernetes',
  'test/processes/operator',
  'test/cli/cluster',
  'test/acceptance/cluster',
  'test/chart/on-server',
].map((folder) => `${folder}/**/*.test.ts`);
/**
 * Two operators elect a leader by leases of a few seconds, and the test kills and freezes them. Beside other tests each
 * leader would lose its lease before it has caught up, so this test runs once the others have ended.
 */
const ALONE = 'test/processes/operator/exactly-once.test.ts';
/** Need a cluster with real pods: `npm run e2e`, vitest.e2e.config.ts. */
const E2E_TESTS = 'test/e2e/**/*.test.ts';

/** These take a minute or two each, most of it waiting. */
const LONG = [
  'launcher/install',
  'every-second',
  'acceptance/team-history',
  'acceptance/notice-storm',
  'operator/soak',
  'operator/away',
  'operator/trouble',
  'operator/scale',
];

/** Begins with what is long, so that it does not stand alone at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return index < 0 ? LONG.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  cacheDir: '.cache/vite',
  test: {
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // More than the cores of a small machine: most of what a test does is to wait for another process.
    maxWorkers: 5,
    pool: 'forks',
    restoreMocks: true,
    sequence: { sequencer: LongFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'host',
          include: ['test/**/*.test.ts'],
          exclude: [...CLUSTER_TESTS, E2E_TESTS],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: CLUSTER_TESTS,
          exclude: [ALONE],
          globalSetup: ['test/support/global-setup.ts', 'test/support/cluster/kube-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: [ALONE],
          sequence: { groupOrder: 1 },
          globalSetup: ['test/support/global-setup.ts', 'test/support/cluster/kube-setup.ts'],
        },
      },
    ],
  },
});
