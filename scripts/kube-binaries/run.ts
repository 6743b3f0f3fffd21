// Runs one step of the build with its output in a log file, and reports now and then that it still runs.
import { spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';

const PROGRESS_INTERVAL_MS = 20_000;
const SHOWN_LOG_LINES = 20;

export interface Step {
  /** Text of the progress line. */
  title: string;
  command: string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
}

/** Prints a progress line on stderr: stdout belongs to the answer. */
export function say(line: string): void {
  process.stderr.write(`kube-binaries: ${line}\n`);
}

/** Runs a step at low priority. Rejects with the end of its output if it fails. */
export async function runStep(step: Step, logFile: string): Promise<void> {
  say(step.title);
  const startedAt = Date.now();
  const log = openSync(logFile, 'a');
  const progress = setInterval(
    () => say(`${step.title}: ${Math.round((Date.now() - startedAt) / 1000)} s so far`),
    PROGRESS_INTERVAL_MS,
  );
  try {
    const child = spawn('nice', ['-n', '10', ...step.command], {
      cwd: step.cwd,
      env: { ...process.env, ...step.env },
      stdio: ['ignore', log, log],
    });
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('exit', resolve),
    );
    if (code !== 0) throw new Error(`${step.command.join(' ')} ended with ${code}:\n${lastLines(logFile)}`);
  } finally {
    clearInterval(progress);
    closeSync(log);
  }
}

function lastLines(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-SHOWN_LOG_LINES).join('\n');
}
