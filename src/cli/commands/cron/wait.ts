// Waits until a run and its retries have ended: `lsh cron trigger --wait`.
import { constants } from 'node:os';
import type { RunDocument } from '../../../core/document.ts';
import { formatDuration } from '../../../core/duration.ts';
import { EXIT, LshError } from '../../../core/errors.ts';
import { manualRunName } from '../../../core/naming.ts';
import { targetFlags, type Context } from '../../context.ts';
import { resultText, runMs } from '../../output/job-words.ts';
import { note } from '../../output/print.ts';
import { withProgress } from '../../output/progress.ts';
import { relative } from '../../output/when.ts';

/** A run that `lsh cron trigger` requests. */
interface Request {
  job: string;
  id: string;
  start: () => Promise<RunDocument>;
}

interface End {
  /** The last attempt. */
  run: RunDocument;
  /** The sentence that tells its end. */
  line: string;
  status: number;
  /** Says on stderr why the run failed and where its output is. */
  explain: () => void;
}

/** Reasons of runs whose command never ran. */
const NO_OUTPUT = new Set(['SpawnError', 'Refused', 'NameTaken', 'Stuck', 'SpecChanged']);

/**
 * Starts the run, waits for its last attempt and tells the end of each earlier one. Returns undefined after Ctrl-C or
 * TERM.
 */
export async function waitForRun(context: Context, { job, id, start }: Request): Promise<End | undefined> {
  const { io } = context;
  // Before the request: the run may start before the answer that names it. A second Ctrl-C ends the command at once.
  const signalled = nextSignal();
  try {
    for (let run = await start(); ;) {
      const work = Promise.race([endOf(context, run), signalled.promise]);
      const ended = await withProgress(io, `${run.name} running`, work);
      if (typeof ended === 'string') {
        tellRunGoesOn(context, job, run, ended);
        return undefined;
      }
      const next = await nextAttempt(context, job, id, ended);
      if (next === undefined) return end(context, job, ended);
      note(io, `${endLine(context, ended)}; attempt ${next.attempt} ${startOf(next, io.now())}`);
      run = next;
    }
  } finally {
    signalled.stop();
  }
}

async function endOf({ api }: Context, { name }: RunDocument): Promise<RunDocument> {
  return (await api()).run({ run: name, wait: true });
}

/** The retry of the attempt. The ledger records it together with the end of the attempt, so it is there or never comes. */
async function nextAttempt(
  { api }: Context,
  job: string,
  id: string,
  ended: RunDocument,
): Promise<RunDocument | undefined> {
  if (ended.phase === 'Completed') return undefined;
  try {
    return await (await api()).run({ run: manualRunName(job, id, ended.attempt + 1) });
  } catch (error) {
    if (error instanceof LshError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

function end(context: Context, job: string, run: RunDocument): End {
  const explain = () => {
    if (run.phase === 'Completed') return;
    if (run.message !== undefined) note(context.io, run.message);
    if (run.outputBytes === 0 || (run.reason !== undefined && NO_OUTPUT.has(run.reason))) return;
    note(
      context.io,
      `hint: Read its output with \`lsh cron logs ${job} ${run.name}${targetFlags(context)}\`.`,
    );
  };
  return { run, line: endLine(context, run), status: statusOf(run), explain };
}

function endLine({ io }: Context, run: RunDocument): string {
  const ms = runMs(run, io.now());
  return `run "${run.name}" ${resultText(run)}${ms === undefined ? '' : ` after ${formatDuration(ms)}`}`;
}

function startOf({ startAfter }: RunDocument, now: number): string {
  return startAfter === undefined ? 'follows' : `starts ${relative(Date.parse(startAfter), now)}`;
}

/**
 * The status that the command would have without lsh, 128 and the number of the signal that ended it included. 125 for
 * a run without a status of its own, and for one that lsh stopped and that ended with 0.
 */
function statusOf({ phase, exitCode, signal }: RunDocument): number {
  if (phase === 'Completed') return EXIT.ok;
  const number = signal === undefined ? undefined : constants.signals[signal as NodeJS.Signals];
  return exitCode || (number === undefined ? EXIT.ownFailure : 128 + number);
}

/** The first INT or TERM, which ends only the wait. */
function nextSignal(): { promise: Promise<NodeJS.Signals>; stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  process.once('SIGINT', resolve).once('SIGTERM', resolve);
  return { promise, stop: () => process.off('SIGINT', resolve).off('SIGTERM', resolve) };
}

function tellRunGoesOn(context: Context, job: string, { name }: RunDocument, signal: NodeJS.Signals): void {
  const target = targetFlags(context);
  const follow = `lsh cron logs -f ${job} ${name}${target}`;
  note(context.io, `run "${name}" goes on; lsh waits for it no longer`);
  note(context.io, `hint: Follow it with \`${follow}\`, stop it with \`lsh cron stop ${job}${target}\`.`);
  context.status = 128 + constants.signals[signal];
}
