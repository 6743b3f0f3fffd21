// A third executor is a runner in a file of its own, and a line in two others: the list of executors, and the
// process that constructs the runner. The test adds one to a copy of the sources, which must compile, and runs a job.
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Executor } from '../../src/core/executor.ts';
import { aDaemon, aHome, aManifest } from '../support/daemon/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const ROOT = join(import.meta.dirname, '../..');

const TOY_RUNNER = `
import type { Runner } from '../control/ports.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { Run, RunEnd } from '../core/run.ts';

/** Ends each run at once; its output is the command. */
export class ToyRunner implements Runner {
  readonly traits = { claim: 'ledger', keepsTimeout: true, startsLater: false, hasHost: false, leavesObject: false } as const;
  readonly #ends = new Map<string, RunEnd>();
  #changed: (key: JobKey) => void = () => {};

  capacity = () => Infinity;
  observe = () => [...this.#ends.values()];
  stop(): void {}

  async start({ key, spec }: Job, { name }: Run): Promise<void> {
    const finishedAt = Date.now();
    this.#ends.set(name, { name, state: 'Ended', finishedAt, exitCode: 0, outputTail: spec.command });
    setImmediate(() => this.#changed(key));
  }

  release(name: string): void {
    this.#ends.delete(name);
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#changed = listener;
  }
}
`;

/** The files that a new executor touches, and what is added to each. */
const EDITS: Record<string, [after: string, added: string][]> = {
  'src/core/executor.ts': [
    ['export const EXECUTORS = {', "\n  Toy: { platforms: ['local'], hasPod: false },"],
  ],
  'src/processes/daemon/local-scheduler.ts': [
    [
      "import { Controller } from '../../control/controller.ts';",
      "\nimport { ToyRunner } from '../../runners/toy-runner.ts';",
    ],
    ['{ Shell: this.#runner', ', Toy: new ToyRunner()'],
  ],
};

test('a new executor touches two files beside its runner', { timeout: 300_000 }, async () => {
  const copy = tempDir();
  cpSync(join(ROOT, 'src'), join(copy, 'src'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: object;
  };
  const tsconfig = {
    compilerOptions: { ...compilerOptions, incremental: false, tsBuildInfoFile: undefined },
    include: ['src'],
  };
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(tsconfig));
  writeFileSync(join(copy, 'src/runners/toy-runner.ts'), TOY_RUNNER);
  for (const [file, edits] of Object.entries(EDITS)) addTo(join(copy, file), edits);
  expect(Object.keys(EDITS)).toHaveLength(2);

  await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), [], { cwd: copy });

  const { client } = await aDaemon(aHome(), [join(copy, 'src/cli/main.ts'), 'daemon', 'run']);
  const manifest = aManifest('toy', { command: 'hello', timeoutSeconds: 5 });
  await client.put({ job: { ...manifest, spec: { ...manifest.spec, executor: 'Toy' as Executor } } });
  const { name } = await client.trigger({ name: 'toy', id: 'once' });
  const run = await client.run({ run: name, wait: true });
  expect(run).toMatchObject({ phase: 'Completed', executor: 'Toy', outputTail: 'hello' });
});

function addTo(path: string, edits: [after: string, added: string][]): void {
  let text = readFileSync(path, 'utf8');
  for (const [after, added] of edits) {
    expect(text, path).toContain(after);
    text = text.replace(after, after + added);
  }
  writeFileSync(path, text);
}
