// `lsh daemon metrics`: the metrics of the daemon's jobs for Prometheus, printed, or as a file that node_exporter reads.
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import { printable } from '../../../core/printable.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { parseInteger } from '../../input/flags.ts';
import { localApi } from '../../local-api.ts';
import { note, print } from '../../output/print.ts';
import { counted } from '../../output/text.ts';

/** node_exporter runs as another user. */
const MODE = 0o644;

interface MetricsFlags {
  textfile?: string;
  metricsPerJob?: number;
}

async function metrics({ io }: Context, { textfile, metricsPerJob }: MetricsFlags): Promise<void> {
  const request = metricsPerJob === undefined ? {} : { perJob: metricsPerJob };
  const { lines, jobs, leftOut } = await localApi(io).metrics(request);
  if (leftOut > 0)
    note(
      io,
      `note: ${counted(leftOut, 'job')} of ${jobs} have no metrics of their own (LSH_METRICS_PER_JOB)`,
    );
  if (textfile === undefined) return print(io, ...lines);
  await replaceFile(textfile, lines.map((line) => `${printable(line)}\n`).join(''));
}

/**
 * Writes the text beside the file and puts it in place: a collector reads the old file or the new one, never a part. The
 * name of the new one does not end in .prom, so no collector reads it. Throws FILE_UNWRITABLE.
 */
async function replaceFile(path: string, text: string): Promise<void> {
  const next = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  try {
    await writeFile(next, text, { mode: MODE, flag: 'wx' });
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    const detail = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new LshError('FILE_UNWRITABLE', { path, detail }, { cause: error });
  }
}

const PER_JOB_MAX = 100_000;

function parsePerJob(value: string): number {
  const count = parseInteger(value, '--metrics-per-job');
  if (count <= PER_JOB_MAX) return count;
  throw usage(`--metrics-per-job needs a number from 0 to ${PER_JOB_MAX}, not "${value}".`);
}

export function addMetrics(daemon: Command, context: Context): void {
  const command = daemon
    .command('metrics')
    .description(
      'Print the metrics of each job in the text format of Prometheus: last success, last end, next slot, active runs.',
    )
    .option(
      '--textfile <path>',
      'write them to this file, whole at each moment, for the textfile collector of node_exporter',
    )
    .option(
      '--metrics-per-job <count>',
      'how many jobs have metrics of their own; default: LSH_METRICS_PER_JOB of the daemon',
      parsePerJob,
    )
    .action((flags: MetricsFlags) => metrics(context, flags));
  withExamples(
    command,
    ['lsh daemon metrics', 'Print the metrics of all jobs'],
    [
      'lsh cron add -n metrics -s "* * * * *" -c "lsh daemon metrics --textfile /var/lib/node_exporter/lsh.prom"',
      'Keep a file for node_exporter up to date',
    ],
  );
}
