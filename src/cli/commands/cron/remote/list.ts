// `lsh cron list --remote`: every job of the team, where it lives, and whether its definitions differ.
import type { TeamRunDocument } from '../../../../contracts/team-record.ts';
import { teamRecord } from '../../../../processes/supabase/team-record.ts';
import type { Context } from '../../../context.ts';
import { isDocumentFormat } from '../../../output/format-option.ts';
import { commandText, resultCell, scheduleText } from '../../../output/job-words.ts';
import { note, print, printDocument, printTable } from '../../../output/print.ts';
import type { Cell } from '../../../output/table.ts';
import { relative } from '../../../output/when.ts';
import type { ListFlags } from '../list.ts';
import { clockText, teamJobs, type TeamJobDocument } from './team-jobs.ts';

type Place = TeamJobDocument['origins'][number];

const HEADS = ['NAME', 'SCHEDULE', 'LAST', 'DEFINITIONS', 'ORIGINS'];
const WIDE_HEADS = [
  'NAME',
  'ORIGIN',
  'KIND',
  'LAST',
  'SEEN',
  'CLOCK',
  'SCHEDULE',
  'ZONE',
  'DEFINITION',
  'CHANGED',
  'BY',
  'LSH',
  'COMMAND',
];

function lastCell(runs: readonly TeamRunDocument[], now: number): Cell {
  const [last] = runs.toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  if (last === undefined) return '-';
  return resultCell(last, ` ${relative(Date.parse(last.finishedAt ?? last.createdAt), now)}`);
}

function definitionsCell({ definitions, origins }: TeamJobDocument): Cell {
  if (definitions > 1) return { text: `${definitions} differ`, style: 'warn' };
  return origins.length === 1 ? '-' : 'same';
}

const seen = ({ origin }: Place, now: number) => relative(Date.parse(origin.lastSeenAt), now);

/** `laptop (2 min ago), prod (3 days ago, clock 5m ahead)`. */
function originsText({ origins }: TeamJobDocument, now: number): string {
  return origins
    .map(
      (place) =>
        `${place.origin.name} (${[seen(place, now), clockText(place.origin) ?? []].flat().join(', ')})`,
    )
    .join(', ');
}

function row(job: TeamJobDocument, now: number): Cell[] {
  const runs = job.origins.flatMap(({ lastRun }) => lastRun ?? []);
  return [
    job.metadata.name,
    scheduleText(job),
    lastCell(runs, now),
    definitionsCell(job),
    originsText(job, now),
  ];
}

export async function teamList({ io }: Context, { tag = [], origin, job, output }: ListFlags): Promise<void> {
  const recorded = await teamRecord().jobs({ ...(origin && { origin }), ...(job && { job }) });
  const chosen = recorded.filter(({ spec }) => tag.every((each) => spec.tags.includes(each)));
  const jobs = teamJobs(chosen);
  if (isDocumentFormat(output)) return printDocument(io, jobs, output);
  if (output === 'name') return print(io, ...jobs.map(({ metadata }) => metadata.name));
  if (jobs.length === 0) return note(io, 'The team’s record has no such job.');
  const now = io.now();
  if (output !== 'wide')
    return printTable(
      io,
      HEADS,
      jobs.map((each) => row(each, now)),
    );
  const rows = chosen.map((each): Cell[] => [
    each.name,
    each.origin.name,
    each.origin.kind,
    lastCell(each.lastRun ? [each.lastRun] : [], now),
    seen(each, now),
    clockText(each.origin) ?? 'agrees',
    scheduleText(each),
    each.spec.timeZone,
    each.specHash.slice(0, 8),
    relative(Date.parse(each.changedAt), now),
    each.changedBy ?? '-',
    each.origin.version,
    commandText(each),
  ]);
  printTable(io, WIDE_HEADS, rows);
}
