// docs/errors.md, from the table of errors.
import { ERRORS, EXIT } from '../../src/core/errors.ts';
import { GENERATED, table } from './markdown.ts';

const MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'done',
  failure: 'the command failed',
  usage: 'the command line or the document is wrong',
  notRunning: 'the daemon is not running',
  notFound: 'there is no such job or run',
  refused: 'the command validator refused it',
  ownFailure: 'lsh itself failed in `lsh cron trigger --wait`, or the run has no exit code',
};

/** The page as Markdown. */
export function renderErrorsPage(): string {
  const exits = Object.entries(EXIT).map(([name, status]) => [
    String(status),
    MEANINGS[name as keyof typeof EXIT],
  ]);
  return `${GENERATED}

# Errors

lsh prints an error to standard error: \`error:\` with a sentence (and one line for each problem, if there are several),
\`hint:\` with the next step, and the code in brackets. Codes are stable: scripts may rely on them. lsh fills in the words in
braces.

## Exit statuses

${table(['status', 'meaning'], exits)}

\`lsh cron trigger --wait\` ends with the exit code of the run: of its last attempt, if the job has retries. A signal that
ended the command counts as 128 and its number (143 for TERM); 126 and 127 come from the shell of the job, which could not run
or find the command. There lsh says 125 where it would say 1 to 5 elsewhere, and where the run has no exit code of its own
(it was lost, refused, or did not start). Ctrl-C ends the wait with 130; the run goes on.

## Codes

${Object.keys(ERRORS).sort().map(section).join('\n\n')}
`;
}

function section(code: string): string {
  const { message, hint, exit, http, retryable } = ERRORS[code as keyof typeof ERRORS];
  const again = retryable ? ' Trying again may help.' : '';
  return `### ${code}

${message}

Hint: ${hint}

Exit status ${exit}, HTTP status ${http} on the socket.${again}`;
}
