import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '.cache/vite-e2e',
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: ['test/e2e/support/cluster-setup.ts'],
    // They end what has failed; no pace that a busy machine is held to.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // One cluster, and tests that follow each other.
    fileParallelism: false,
    pool: 'forks',
  },
});
