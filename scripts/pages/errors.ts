// docs/errors.md, from the table of errors.
import { ERRORS, EXIT } from '../../src/core/errors.ts';
import { GENERATED, table } from './markdown.ts';

const MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'done',
  failure: 'it failed',
  usage: 'the command line or the document is wrong',
  notRunning: 'the daemon is not running',
  notFound: 'there is no such job or run',
  refused: 'the command validator refused it',
};

/** The page as Markdown. */
export function renderErrorsPage(): string {
  const exits = Object.entries(EXIT).map(([name, status]) => [
    String(status),
    MEANINGS[name as keyof typeof EXIT],
  ]);
  return `${GENERATED}

# Errors

An error is printed on standard error: \`error:\` with a sentence and, where there are several problems, one line for each;
\`hint:\` with what to do next; the code in brackets. The code is stable: scripts may rely on it. Words in braces are filled in.

## Exit statuses

${table(['status', 'meaning'], exits)}

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
