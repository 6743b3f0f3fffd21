// Runs the commands of a rotation. Values reach them in the environment alone, and leave them on stdout of the generate
// command alone; what they print otherwise is masked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { environmentWith } from '../../../config.ts';
import { redactionOf } from '../../../core/redaction/redaction.ts';
import { mask, passSignals } from '../run-command.ts';

/** Bytes. More than the longest value that is of use; an endless output must not fill the memory. */
const OUTPUT_MAX_BYTES = 1024 * 1024;

/** A terminal, or the stop of a job, sends these to the command as well, whose end lsh may see before its own signal. */
const STOPS = new Set<NodeJS.Signals | null>(['SIGINT', 'SIGTERM', 'SIGHUP']);

export interface CommandEnd {
  /** `it ended with status 3`; undefined for success. */
  failure?: string | undefined;
  /** lsh was told to stop while the command ran. */
  isInterrupted: boolean;
}

/** Runs the script with the variables; it prints to stderr of lsh. */
export async function runCommand(script: string, variables: Record<string, string>): Promise<CommandEnd> {
  const { child, ended } = start(script, variables);
  const values = Object.values(variables);
  const [end] = await Promise.all([
    ended,
    mask(child.stdout, process.stderr, values),
    mask(child.stderr, process.stderr, values),
  ]);
  return end;
}

/** As runCommand(), and returns what the script prints. Its errors come late, as lsh masks that value in them, too. */
export async function outputOf(
  script: string,
  variables: Record<string, string>,
): Promise<CommandEnd & { output: Buffer }> {
  const { child, ended } = start(script, variables);
  const [end, output, errors] = await Promise.all([ended, collect(child.stdout), collect(child.stderr)]);
  const masking = redactionOf([...Object.values(variables), output.toString()]);
  process.stderr.write(masking ? Buffer.concat([masking.push(errors), masking.end()]) : errors);
  return { ...end, output };
}

function start(script: string, variables: Record<string, string>) {
  let isInterrupted = false;
  const stopPassing = passSignals((signal) => {
    isInterrupted = true;
    child.kill(signal);
  });
  const child = spawn('/bin/sh', ['-c', script], {
    env: environmentWith(variables),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close')
    .then(([code, signal]): CommandEnd => {
      const how = signal === null ? `it ended with status ${code}` : `${signal} ended it`;
      return { failure: code === 0 ? undefined : how, isInterrupted: isInterrupted || STOPS.has(signal) };
    })
    .finally(stopPassing);
  return { child, ended };
}

/** The beginning of the stream, up to the limit and a chunk. Reads all of it: a command must not end by SIGPIPE. */
async function collect(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length <= OUTPUT_MAX_BYTES) chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
  }
  return Buffer.concat(chunks);
}

/** The value that the output holds, without one line end; or why it is no new one. */
export function valueIn(output: Buffer, old: string | undefined): { value: string } | { failure: string } {
  if (output.length > OUTPUT_MAX_BYTES) return { failure: 'it printed more than 1 MiB' };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(output);
  } catch {
    return { failure: 'what it printed is not UTF-8' };
  }
  const value = text.replace(/\r?\n$/, '');
  if (value.trim() === '') return { failure: 'it printed nothing' };
  if (value.includes('\0')) return { failure: 'it printed a NUL character' };
  if (value === old) return { failure: 'it printed the value that the variable has' };
  return { value };
}
