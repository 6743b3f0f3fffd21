// Asks the user for a line. What is secret is read without an echo, and never from the command line: other users see that.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Io } from '../io.ts';
import { usage } from '../failure.ts';
import { printText } from '../output/print.ts';

export interface Question {
  /** Such as "Password: ". */
  prompt: string;
  /** What is missing if no answer comes, such as "a password". */
  what: string;
  hidden?: boolean;
}

/** The line that the user types. Where stdin is no terminal: all of it. Throws USAGE without an answer. */
export async function ask(io: Io, { prompt, what, hidden = false }: Question): Promise<string> {
  const answer = io.stdin.isTTY ? await typedLine(io, prompt, hidden) : await wholeStdin(io);
  if (answer !== '') return answer;
  throw usage(`No answer: lsh needs ${what}.`, 'Type it, or send it to stdin.');
}

async function wholeStdin(io: Io): Promise<string> {
  // Loads the library of YAML.
  const { bytesOfStdin } = await import('./documents.ts');
  return Buffer.from(await bytesOfStdin(io))
    .toString()
    .trim();
}

/** Whether the user answers the question with y or yes. The caller makes sure that stdin is a terminal. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test(await typedLine(io, `${question} [y/N] `, false));
}

/** Empty if the user ends the input with Ctrl-C or Ctrl-D. */
async function typedLine(io: Io, prompt: string, hidden: boolean): Promise<string> {
  const nowhere = new Writable({ write: (_, _encoding, done) => done() });
  // Turns off the echo of the terminal, so it precedes the prompt: readline itself echoes what is typed, or does not.
  const lines = createInterface({
    input: io.stdin,
    output: hidden ? nowhere : io.stderr,
    terminal: true,
    prompt,
  });
  try {
    const answer = once(lines, 'line').then(([line]) => String(line).trim());
    const ended = once(lines, 'close').then(() => '');
    if (hidden) printText(io, prompt, 'stderr');
    else lines.prompt();
    return await Promise.race([answer, ended]);
  } finally {
    lines.close();
    if (hidden) printText(io, '\n', 'stderr');
  }
}
