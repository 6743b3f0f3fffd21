// The written pages agree with the chart, with each other and with the program.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { fromCronJob } from '../../src/kubernetes/objects/cron-job/cron-job.ts';
import { convertExpression } from '../../src/kubernetes/objects/cron-job/expression.ts';
import { importCrontab, type CrontabOptions } from '../../src/core/import/crontab.ts';
import { KIND } from '../../src/core/api-version.ts';
import type { JobManifest } from '../../src/core/job.ts';
import { parseManifest } from '../../src/core/validate/validate.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Text of each block of code in the language. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code = '']) => code);
}

const withoutCode = (text: string): string => text.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');

test('operations.md has a heading for each alert of the chart, and for no other', () => {
  const alerts = [...read('charts/lsh/templates/prometheusrule.yaml').matchAll(/- alert: (\w+)/g)];
  const headings = [...read('docs/operations.md').matchAll(/^### (Lsh\w+)$/gm)];
  const names = (matches: RegExpMatchArray[]) => matches.map(([, name]) => name);
  expect(names(alerts)).not.toEqual([]);
  expect(names(headings)).toEqual(names(alerts));
});

test('each decision has a number of its own, and its heading has the same', () => {
  const pages = readdirSync(join(ROOT, 'docs/adr'));
  const numbers = pages.map((page) => page.slice(0, 4));
  expect(numbers).toEqual([...new Set(numbers)]);
  expect(pages.map((page) => read(`docs/adr/${page}`).slice(0, 7))).toEqual(
    numbers.map((number) => `# ${number} `),
  );
});

describe('links', () => {
  const markdown = (folder: string) =>
    readdirSync(join(ROOT, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => join(folder, file));
  const links = ['.', 'docs', 'docs/adr', 'charts/lsh'].flatMap(markdown).flatMap((file) =>
    [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => ({ file, link })),
  );

  /** Anchors as GitHub derives them from headings. */
  const anchors = (text: string) =>
    [...text.replace(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  test.each(links)('$file leads to $link', ({ file, link }) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    expect(existsSync(join(ROOT, target))).toBe(true);
    if (anchor !== undefined) expect(anchors(read(target))).toContain(anchor);
  });
});

describe('the map of the code', () => {
  /** Paths in inline code and in diagrams; those of architecture.md may leave `src/` out. */
  const paths = (page: string) => {
    const folders = readdirSync(join(ROOT, 'src')).filter((entry) => !entry.includes('.'));
    const roots = [...folders, 'src', 'test', 'docs', 'charts', 'deploy', 'scripts'].join('|');
    const pattern = new RegExp(`(?<![\\w./-])(?:${roots})(?:/[\\w.-]+)+/?`, 'g');
    const found = [
      ...read(page)
        .replaceAll(/\]\([^)]*\)/g, ']')
        .matchAll(pattern),
    ].map(([path]) => path);
    return [...new Set(found)].map((path) => ({ page, path: path.replace(/[./]+$/, '') }));
  };

  test.each([...paths('CONTRIBUTING.md'), ...paths('docs/architecture.md')])(
    '$page names $path, which exists',
    ({ path }) => {
      expect(existsSync(join(ROOT, path)) || existsSync(join(ROOT, 'src', path))).toBe(true);
    },
  );
});

describe('from-cron.md', () => {
  const page = read('docs/from-cron.md');
  const documents = blocks(page, 'yaml').flatMap((block) =>
    parseAllDocuments(block).map((document) => document.toJS() as { kind: string }),
  );
  const jobs = documents.filter(({ kind }) => kind === KIND) as JobManifest[];
  const jobNamed = (name: string) => jobs.find(({ metadata }) => metadata.name === name);

  test.each(jobs)('the LshJob $metadata.name is valid on its platform', (job) => {
    // A local job has no namespace.
    const checked = parseManifest(job, job.metadata.namespace === undefined ? 'local' : 'cluster');
    expect(checked.metadata.name).toBe(job.metadata.name);
  });

  /** The answer of a dry run, as the command line prints it. */
  function imported(crontab: string, label: string, options: CrontabOptions) {
    const { jobs, notes, leftOut } = importCrontab(crontab, options);
    const manifests = jobs.map(({ job }) => job);
    const lines = [
      ...notes.map(({ line, text }) => `${label}${line === undefined ? '' : `:${line}`}: note: ${text}`),
      ...manifests.map(({ metadata, spec }) => `job "${metadata.name}" created  ${spec.schedule} (dry run)`),
    ];
    return { answer: `${lines.join('\n')}\n`, manifests, leftOut };
  }

  test('import of the crontab prints the answer and makes the jobs of the page', () => {
    const [crontab = ''] = blocks(page, 'crontab');
    const { answer, manifests, leftOut } = imported(crontab, 'my.crontab', {
      source: '/home/ada/my.crontab',
    });
    expect(blocks(page, '')).toContain(answer);
    expect(leftOut).toBe(1);
    for (const name of ['pg-dump', 'mail'])
      expect(jobNamed(name)).toEqual(manifests.find(({ metadata }) => metadata.name === name));
  });

  test('the system crontab gives the answer that the page shows', () => {
    const [, crontab = ''] = blocks(page, 'crontab');
    const { answer } = imported(crontab, '/etc/crontab', { path: '/etc/crontab' });
    expect(blocks(page, '')).toContain(answer);
  });

  test('each schedule of a CronJob becomes the schedule that the page shows', () => {
    const [, after = ''] = page.split('**The schedule means the same.**');
    const [table = ''] = after.split('\nRefused');
    const rows = [...table.matchAll(/^\| `([^`]+)`\s*\| `([^`]+)`/gm)].map(([, from = '', to = '']) => ({
      from,
      to,
    }));
    expect(rows.length).toBeGreaterThan(3);
    for (const { from, to } of rows) expect(convertExpression(from).expression).toBe(to);
  });

  test('import of the CronJob prints the answer and makes the job of the page', () => {
    const { job, notes } = fromCronJob(documents.find(({ kind }) => kind === 'CronJob'));
    const answer = [
      ...notes.map((sentence) => `nightly: note: ${sentence}`),
      `job "nightly" created  ${job.spec.schedule} (dry run)`,
    ];
    expect(blocks(page, '')).toContain(`${answer.join('\n')}\n`);
    expect(jobNamed('nightly')).toEqual(job);
  });
});

test('the document of the README is the sample, and its command needs a shell and the usual programs alone', () => {
  const [document = ''] = blocks(read('README.md'), 'yaml');
  expect(read('deploy/samples/lshjob.yaml')).toBe(`# The job of the README.\n${document}`);
  const { spec } = parse(document) as JobManifest;
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', spec.command!], { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual([expect.stringMatching(/^\d+ % of the disk are used\n$/), '']);
});
