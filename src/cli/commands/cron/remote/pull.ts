// `lsh cron pull`: brings a job of the team's record here. Shows it, asks, and overwrites nothing silently.
import type { Command } from 'commander';
import type { JobApi, PutResult } from '../../../../contracts/job-api.ts';
import type { RecordedJob } from '../../../../contracts/team-record.ts';
import type { JobDocument } from '../../../../core/document.ts';
import { LshError } from '../../../../core/errors.ts';
import type { JobManifest } from '../../../../core/job.ts';
import type { JobSpecInput } from '../../../../core/spec/job-spec.ts';
import { platformOf, targetFlags, type Context } from '../../../context.ts';
import { repeatable, withExamples } from '../../../define.ts';
import { usage } from '../../../failure.ts';
import { confirm } from '../../../input/prompt.ts';
import { variable } from '../../../input/spec-from-flags.ts';
import { formatOption } from '../../../output/format-option.ts';
import { note, paintFor, print, printDocument, printYaml } from '../../../output/print.ts';
import { printPut, printPutLine } from '../../../output/put.ts';
import { fillIn, gapLine, gapsOf, incomplete } from './pull-values.ts';

interface PullFlags {
  origin?: string;
  env?: string[];
  yes?: true;
  dryRun?: true;
  output?: 'json' | 'yaml';
}

/** The place of the job whose definition is meant: not the job here. Throws USAGE where the definitions differ. */
async function chosenPlace(
  name: string,
  origin: string | undefined,
  local: JobDocument | undefined,
): Promise<RecordedJob> {
  const { teamRecord } = await import('../../../../processes/supabase/team-record.ts');
  const { definitionsOf, jobsNamed, newest } = await import('./team-jobs.ts');
  const places = await jobsNamed(teamRecord(), name, origin === undefined ? {} : { origin });
  const elsewhere = places.filter(({ uid }) => uid !== local?.metadata.uid);
  if (elsewhere.length === 0) return newest(places);
  if (definitionsOf(elsewhere) === 1) return newest(elsewhere);
  const names = elsewhere.map((place) => `${place.origin.name} (${place.origin.id})`).join(', ');
  throw usage(
    `The definitions of ${name} differ: ${names}.`,
    `Choose one with --origin, by name or id; \`lsh cron list --remote --job ${name} -o wide\` shows them.`,
  );
}

/** The manifest that gives the same job here, as far as the record has it, in the namespace that the command line names. */
async function manifestFor(
  context: Context,
  { name, namespace, labels, annotations, spec: recorded, origin }: RecordedJob,
): Promise<JobManifest> {
  const { manifestOf } = await import('../../../input/manifest.ts');
  const platform = platformOf(context);
  const home = origin.kind === 'Host' ? 'local' : 'cluster';
  const isPromoted = home === 'local' && platform === 'cluster';
  const manifest = manifestOf(
    { metadata: { name, namespace }, spec: recorded },
    isPromoted ? home : platform,
  );
  const spec = isPromoted ? await promoted(context, name, manifest.spec) : manifest.spec;
  const metadata = { name, ...(labels && { labels }), ...(annotations && { annotations }) };
  return { ...manifest, metadata, spec };
}

/** The job of a machine as one of a cluster, with a note for each difference. Throws JOB_NOT_CARRIED. */
async function promoted({ io }: Context, name: string, spec: JobSpecInput): Promise<JobSpecInput> {
  const { promote } = await import('../../../../core/import/promote.ts');
  const { job, notes } = promote(name, spec, { executor: 'Job' });
  const mark = paintFor(io.stderr)('warn', 'note:');
  for (const sentence of notes) note(io, `${mark} ${sentence}`);
  return job.spec;
}

async function localJob(api: JobApi, name: string): Promise<JobDocument | undefined> {
  try {
    return await api.get({ name });
  } catch (error) {
    if (error instanceof LshError && error.code === 'JOB_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Shows the manifest; variables whose values come from here are shown by name alone. */
async function show({ io }: Context, manifest: JobManifest, place: RecordedJob): Promise<void> {
  const { origin, changedAt, changedBy } = place;
  const by = changedBy === undefined ? '' : ` by ${changedBy}`;
  note(io, `${manifest.metadata.name} of ${origin.name}, changed at ${changedAt}${by}:`);
  await printYaml(io, [manifest]);
}

/** Throws USAGE where stdin is no terminal. */
async function confirmed({ io }: Context, result: PutResult): Promise<boolean> {
  if (!io.stdin.isTTY)
    throw usage('lsh asks before it changes a job, and stdin is no terminal.', 'Give --yes, or --dry-run.');
  const verb = result.result === 'created' ? 'Add' : 'Change';
  return confirm(io, `${verb} the job "${result.job.metadata.name}" here?`);
}

async function pull(context: Context, name: string, flags: PullFlags): Promise<void> {
  const { io } = context;
  const api = await context.api();
  // Only to print the manifest, no daemon is needed.
  const local = await localJob(api, name).catch((error: unknown) => {
    if (flags.output === undefined) throw error;
    return undefined;
  });
  const place = await chosenPlace(name, flags.origin, local);
  const recorded = await manifestFor(context, place);
  const manifest = structuredClone(recorded);
  const given = (flags.env ?? []).map(variable);
  if (flags.output !== undefined) {
    fillIn(manifest, given, undefined);
    return printManifest(context, manifest, flags.output);
  }
  fillIn(manifest, given, local);
  const gaps = gapsOf(manifest);
  if (gaps.length > 0) throw incomplete(name, gaps, targetFlags(context));
  const planned = await api.put({ job: manifest, dryRun: true });
  if (planned.result === 'unchanged' || (flags.dryRun && flags.yes))
    return printPutLine(io, planned, flags.dryRun ? ' (dry run)' : '');
  if (!flags.yes) {
    await show(context, recorded, place);
    printPutLine(io, planned, ' (dry run)');
    if (flags.dryRun) return;
    if (!(await confirmed(context, planned))) return print(io, 'nothing was changed');
  }
  await printPut(io, await api.put({ job: manifest }));
}

async function printManifest({ io }: Context, manifest: JobManifest, format: 'json' | 'yaml'): Promise<void> {
  const mark = paintFor(io.stderr)('warn', 'missing:');
  for (const gap of gapsOf(manifest)) note(io, `${mark} ${gapLine(gap)}`);
  await printDocument(io, manifest, format);
}

export function addPull(cron: Command, context: Context): void {
  const command = cron
    .command('pull')
    .description(
      'Bring a job of the team’s record here: shows its manifest and what would change, and asks. The record has no values of variables: a job here keeps its own, and --env gives the others.',
    )
    .argument('<name>', 'the job, as `lsh cron list --remote` names it')
    .option('--origin <name>', 'the definition of this machine or cluster, by name or id')
    .option('-e, --env <name=value>', 'value of a variable of the job (repeatable)', repeatable)
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show what would change')
    .addOption(formatOption('yaml', 'json'))
    .action((name: string, flags: PullFlags) => pull(context, name, flags));
  withExamples(
    command,
    ['lsh cron pull rotate-secrets', 'Show the job of the team, and ask before it is added or changed'],
    [
      'lsh cron pull rotate-secrets --origin build-server --env TOKEN=… --yes',
      'Take the definition of one machine',
    ],
    ['lsh cron pull rotate-secrets -o yaml > rotate-secrets.yaml', 'Only write the manifest'],
  );
}
