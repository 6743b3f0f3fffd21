// A temporary directory for one test.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Creates an empty directory (0700); it is removed when the test has finished. */
export function tempDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'lsh-test-'));
  chmodSync(path, 0o700);
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}
