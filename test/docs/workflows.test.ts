// The workflows pin each action by its content, and have no more rights than a job needs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const FOLDER = '.github/workflows';

interface Workflow {
  permissions?: Record<string, string>;
  jobs: Record<string, { uses?: string; steps?: { uses?: string; run?: string }[] }>;
}

describe.each(readdirSync(FOLDER))('%s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const workflow = parse(text) as Workflow;
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps ?? []);

  test('may only read, except where a job says otherwise', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  test('pins each action to a commit, with its version as a comment', () => {
    const used = [...text.matchAll(/uses: (\S+)(.*)$/gm)].filter(([, name = '']) => !name.startsWith('./'));
    expect(used.length).toBe(steps.filter(({ uses }) => uses !== undefined).length);
    for (const [line] of used) expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('calls only scripts that exist', () => {
    const called = [
      ...jobs.flatMap(({ uses }) => uses ?? []),
      ...steps.flatMap(({ run }) => run?.match(/^\.ci\/\S+/) ?? []),
    ];
    expect(called).not.toEqual([]);
    expect(called.filter((path) => !existsSync(path))).toEqual([]);
  });

  test('passes values to scripts as variables, never as text', () => {
    expect(steps.filter(({ run }) => run?.includes('${{'))).toEqual([]);
  });
});
