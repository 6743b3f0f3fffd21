// A command of the user, as a run of its own: with the checks, the limits and the history of every run. It finds the notice in
// its environment, as the command of a unit in systemd’s OnFailure= does.
import { NOTICE_PREFIX } from '../../core/run-variables.ts';
import type { Run } from '../../core/run.ts';
import { COMMAND_SECONDS, type ChannelOf } from '../channel.ts';
import { DeliveryError } from '../delivery-error.ts';
import type { NoticeMessage } from '../message.ts';
import type { Send } from '../send.ts';

/** EX_TEMPFAIL of sysexits.h: the command asks for another try. */
const TRY_AGAIN = 75;

export const sendCommand: Send<ChannelOf<'command'>> = async (channel, message, { runCommand }) => {
  if (runCommand === undefined)
    throw new DeliveryError('a channel of kind command works on a laptop only: a cluster has no daemon', {
      retryable: false,
    });
  const { command, timeoutSeconds = COMMAND_SECONDS } = channel;
  const run = await runCommand({ command, timeoutSeconds, id: message.id, env: noticeVariables(message) });
  if (run?.phase === 'Completed') return;
  throw new DeliveryError(whyNot(run), { retryable: run === undefined || asksAgain(run) });
};

function asksAgain({ reason, exitCode }: Run): boolean {
  return reason === 'ExitCode' && exitCode === TRY_AGAIN;
}

function whyNot(run: Run | undefined): string {
  if (run === undefined) return 'its command did not run';
  const { name, reason = run.phase, exitCode } = run;
  return `its command ended with ${reason === 'ExitCode' ? `exit code ${exitCode}` : reason} (run ${name})`;
}

/** The prefix, and the names of the fields that a webhook has. */
export function noticeVariables({ id, title, lines, data }: NoticeMessage): Record<string, string> {
  const fields: Record<string, unknown> = { id, title, text: lines.join('\n'), ...data };
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => [
        `${NOTICE_PREFIX}${field.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`,
        Array.isArray(value) ? value.join('\n') : String(value),
      ]),
  );
}
