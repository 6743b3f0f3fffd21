// The answer of an import: one line for each job, or the documents of all jobs at the end.
import type { PutResult } from '../../../../contracts/job-api.ts';
import type { JobManifest } from '../../../../core/job.ts';
import type { Context } from '../../../context.ts';
import type { Format } from '../../../output/format-option.ts';
import { note, paintFor, print, printDocument, printYaml } from '../../../output/print.ts';
import { printPutLine } from '../../../output/put.ts';

export interface ImportFlags {
  /** True for the user’s own crontab. */
  crontab?: string | true;
  /** Undefined to recognise the user column. */
  system?: boolean;
  cronjob?: string;
  filename?: string[];
  prefix?: string;
  dryRun?: true;
  output?: Format;
}

/** The import’s own marks are no news. */
const IMPORT_MARKS = /^metadata\.annotations\.lsh\.dev\/imported-/;

/** Whether the documents alone are asked for, which needs no cluster. */
export function isDocumentsOnly({ dryRun, output }: ImportFlags): boolean {
  return dryRun === true && output !== undefined;
}

export interface ImportAnswer {
  add: (job: JobManifest, result: PutResult) => void;
  /** Prints a remark to stderr, behind `where`. */
  remark: (where: string, text: string) => void;
  /** Prints the documents, if the flags ask for them. */
  finish: () => Promise<void>;
}

/** Collects the results of one command. */
export function importAnswer({ io }: Context, { dryRun, output }: ImportFlags): ImportAnswer {
  const jobs: JobManifest[] = [];
  return {
    add(job, result) {
      jobs.push(job);
      if (output !== undefined) return;
      const { schedule = '', schedules = [schedule] } = job.spec;
      const changes = result.changes.filter(({ path }) => !IMPORT_MARKS.test(path));
      printPutLine(io, { ...result, changes }, `  ${schedules.join('; ')}${dryRun ? ' (dry run)' : ''}`);
    },
    remark(where, text) {
      note(io, `${where}: ${paintFor(io.stderr)('warn', 'note:')} ${text}`);
    },
    async finish() {
      if (output === 'name') print(io, ...jobs.map(({ metadata }) => metadata.name));
      if (output !== 'json' && output !== 'yaml') return;
      const { inFieldOrder } = await import('../../../input/manifest.ts');
      const ordered = jobs.map((job) => ({ ...job, spec: inFieldOrder(job.spec) }));
      if (output === 'json') return printDocument(io, ordered, 'json');
      return printYaml(io, ordered);
    },
  };
}
