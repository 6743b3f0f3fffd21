// What the runner's tests need: jobs, runs, a private state directory, and awaiting an observation.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runner } from '../../src/control/ports.ts';
import type { Job, JobSpecInput } from '../../src/core/job.ts';
import type { RunEnd, Run } from '../../src/core/run.ts';
import { aSpec } from './builders.ts';

let counter = 0;

/** Short, in the system's own temporary directory; the caller removes it. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'lsh-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function jobOf(spec: JobSpecInput, name = `job-${++counter}`): Job {
  return {
    key: `local/${name}`,
    namespace: 'local',
    name,
    uid: `uid-${name}`,
    generation: 1,
    createdAt: Date.now(),
    spec: aSpec({ schedule: '@hourly', ...spec }),
  };
}

export function runOf(job: Job, changes: Partial<Run> = {}): Run {
  const slot = Date.UTC(2026, 0, 4, 2);
  return {
    name: `${job.name}-${++counter}`,
    job: job.key,
    jobUid: job.uid,
    trigger: 'Schedule',
    slot,
    attempt: 1,
    executor: 'Shell',
    phase: 'Running',
    createdAt: slot,
    startAfter: slot,
    ...changes,
  };
}

/** Resolves with the end of the run, from the runner's own announcements. Listen before the run can end. */
export function endOf(runner: Runner, run: Run): Promise<RunEnd> {
  return new Promise((resolve) => {
    const look = () => {
      const seen = runner.observe(run.job).find(({ name }) => name === run.name);
      if (seen?.state === 'Ended') resolve(seen);
    };
    runner.onChange(look);
    look();
  });
}

export async function readAll(parts: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const part of parts) chunks.push(part);
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads until the text has appeared; fails when the output ends before. */
export async function readUntil(parts: AsyncIterable<Uint8Array>, wanted: string): Promise<string> {
  let text = '';
  for await (const part of parts) {
    text += Buffer.from(part).toString('utf8');
    if (text.includes(wanted)) return text;
  }
  throw new Error(`the output ended without ${JSON.stringify(wanted)}: ${JSON.stringify(text)}`);
}
