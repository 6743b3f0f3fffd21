import { defineConfig } from 'vitest/config';

const CLUSTER_TESTS = 'test/kubernetes/**/*.test.ts';

/** Operators that live for minutes among kills, cuts and floods: `npm run test:trouble`. */
const TROUBLE_TESTS = ['operator', 'operator-trouble', 'operator-soak', 'operator-scale', 'exactly-once'].map(
  (name) => `test/kubernetes/${name}.test.ts`,
);

export default defineConfig({
  cacheDir: '.cache/vite',
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'host',
          include: ['test/**/*.test.ts'],
          exclude: [CLUSTER_TESTS],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: [CLUSTER_TESTS],
          exclude: TROUBLE_TESTS,
          globalSetup: ['test/support/global-setup.ts', 'test/support/kube-setup.ts'],
          // The API server shares two cores with everything else: a second look tells a slow minute from a defect.
          retry: 1,
        },
      },
      {
        extends: true,
        test: {
          name: 'trouble',
          include: TROUBLE_TESTS,
          globalSetup: ['test/support/global-setup.ts', 'test/support/kube-setup.ts'],
        },
      },
    ],
  },
});
