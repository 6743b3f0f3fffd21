// `lsh channel add`: a channel, or another one of that name.
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { repeatable, withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { parseSeconds } from '../../input/flags.ts';
import { ask } from '../../input/prompt.ts';
import { note, paintFor, print } from '../../output/print.ts';
import { printWarnings } from '../../output/put.ts';

interface AddFlags {
  kind: string;
  url?: string;
  secret?: string;
  from?: string;
  to?: string[];
  command?: string;
  timeout?: string;
}

async function add(context: Context, name: string, flags: AddFlags): Promise<void> {
  const { io } = context;
  const { putChannel } = await import('../../../processes/notices/channels.ts');
  const { url, secret, timeout, ...rest } = flags;
  const typed = async (value: string, what: string) =>
    value === '-'
      ? ask(io, { prompt: `${what}: `, what: `the ${what} of the channel`, hidden: true })
      : value;
  const given = {
    ...rest,
    ...(url !== undefined && { url: await typed(url, 'url') }),
    ...(secret !== undefined && {
      secret: secret === 'generate' ? newSecret() : await typed(secret, 'secret'),
    }),
    ...(timeout !== undefined && { timeoutSeconds: parseSeconds(timeout, '--timeout') }),
  };
  const usesSecrets =
    given.kind !== 'command' &&
    Object.values(given).some((value) => typeof value === 'string' && value.includes('${secrets:'));
  if (typeof given.url === 'string') checkUrl(given.url, given.kind);
  const { result, path, warnings } = putChannel(name, {
    ...given,
    ...(usesSecrets && { project: process.cwd() }),
  });
  const { askDaemon } = await import('./daemon.ts');
  await askDaemon(context, { retry: name });
  const style = result === 'unchanged' ? 'dim' : 'good';
  print(io, `channel "${name}" ${paintFor(io.stdout)(style, result)} in ${path}`);
  printWarnings(io, warnings);
  if (secret === 'generate') print(io, `its receiver verifies with ${given.secret}`);
  note(io, `Try it with \`lsh channel test ${name}\`; a job names it with --notify ${name}.`);
}

/** Refuses what no channel of the kind can reach, without the URL: it may hold a key. A reference has its value later. */
function checkUrl(url: string, kind: string): void {
  const protocols = kind === 'email' ? ['smtp:', 'smtps:'] : ['http:', 'https:'];
  if (url.includes('${') || (URL.canParse(url) && protocols.includes(new URL(url).protocol))) return;
  const starts = protocols.map((protocol) => `${protocol}//`).join(' or ');
  throw usage(`The url of a channel of kind ${kind} begins with ${starts}.`, 'Give the whole URL.');
}

function newSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

export function addChannelAdd(channel: Command, context: Context): void {
  const command = channel
    .command('add')
    .description(
      'Add a channel, or replace the one of that name. A value may be ${env:NAME} or ${secrets:ENV:NAME}; - asks for it, so that no other user sees it.',
    )
    .argument('<name>', 'name of the channel: lower-case letters, digits and dashes')
    .requiredOption(
      '-k, --kind <kind>',
      'webhook (CloudEvents, signed), slack (also Mattermost, Discord’s /slack), email, ping (healthchecks.io), command (on this machine)',
    )
    .option('--url <url>', 'of a webhook, Slack or ping; of email smtp://USER:PASSWORD@HOST:PORT')
    .option('--secret <secret>', 'signs a webhook: whsec_…, or generate')
    .option('--from <address>', 'sender of an email')
    .option('--to <address>', 'recipient of an email (repeatable)', repeatable)
    .option(
      '-c, --command <line>',
      'for a shell; its run has the notice in variables such as LSH_NOTICE_TITLE',
    )
    .option('--timeout <duration>', 'stop a command that takes longer; default: 1m')
    .action((name: string, flags: AddFlags) => add(context, name, flags));
  withExamples(
    command,
    ['lsh channel add team --kind slack --url -', 'Ask for the URL of an incoming webhook of Slack'],
    [
      'lsh channel add ops --kind webhook --url https://example.org/hooks/lsh --secret generate',
      'Signed CloudEvents',
    ],
    [
      `lsh channel add ann --kind email --url '\${secrets:prod:SMTP_URL}' --from lsh@example.org --to ann@example.org`,
      'Email, with the password from the secrets of this project',
    ],
    [
      'lsh channel add nightly --kind ping --url https://hc-ping.com/UUID',
      'A check that watches from elsewhere',
    ],
    [
      `lsh channel add desktop --kind command --command 'notify-send "$LSH_NOTICE_TITLE"'`,
      'A command, as a run of its own',
    ],
  );
}
