// Finds or builds the API server’s binaries, once before the cluster tests. Without them the tests are skipped with one
// line, and fail in CI.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { kubeBinaries } from './kube-binaries.ts';

export default function setup(project: TestProject): void {
  const binaries = kubeBinaries();
  if (binaries === undefined && process.env['CI'])
    throw new Error('the cluster tests need API server binaries');
  if (binaries === undefined)
    process.stderr.write('The cluster tests are skipped: no API server binaries.\n');
  // Garbage collection takes a quarter of the processor time of these short-lived API servers.
  process.env['GOGC'] ??= '400';
  project.provide('kubeBinaries', binaries ?? '');
  project.provide('kubeMinor', binaries === undefined ? 0 : minorVersion(binaries));
}

function minorVersion(binaries: string): number {
  const version = execFileSync(join(binaries, 'kube-apiserver'), ['--version'], { encoding: 'utf8' });
  const minor = /v1\.(\d+)\./.exec(version)?.[1];
  if (minor === undefined) throw new Error(`no version in "${version}"`);
  return Number(minor);
}
