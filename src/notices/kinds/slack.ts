// An incoming webhook of Slack, and what takes its payload: Mattermost, Rocket.Chat, Discord’s /slack.
import type { ChannelOf } from '../channel.ts';
import type { Send } from '../send.ts';
import { post } from './post.ts';

/** Longest text; Discord takes the least. */
const TEXT_MAX = 1900;

export const sendSlack: Send<ChannelOf<'slack'>> = async ({ url }, { title, lines, output }, { signal }) => {
  const head = [`*${escaped(title)}*`, ...lines.map(escaped)].join('\n');
  const body = JSON.stringify({ text: withOutput(head.slice(0, TEXT_MAX), output) });
  await post({ url, headers: { 'content-type': 'application/json' }, body, signal });
};

/** The end of the output, as much as there is room for; three backquotes in it would end the block. */
function withOutput(head: string, output: string | undefined): string {
  const room = TEXT_MAX - head.length - 10;
  if (output === undefined || room < 20) return head;
  const end = escaped(output.replaceAll('```', "'''")).slice(-room);
  return `${head}\n\`\`\`\n${end}\n\`\`\``;
}

/** Slack reads links and mentions within angle brackets. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
