// A check of the healthchecks.io convention: POST to its URL for a success, to /start, /fail and /log for the rest.
import type { ChannelOf } from '../channel.ts';
import type { NoticeMessage } from '../message.ts';
import type { Send } from '../send.ts';
import { post } from './post.ts';

const PATHS: Record<NoticeMessage['kind'], string> = {
  Started: '/start',
  Succeeded: '',
  Recovered: '',
  Failed: '/fail',
  Stuck: '/fail',
  Overdue: '/fail',
  Missed: '/log',
  Slow: '/log',
  // Recorded, and no sign that the job ran.
  Test: '/log',
};

export const sendPing: Send<ChannelOf<'ping'>> = async ({ url }, message, { signal }) => {
  const { title, lines, output, kind } = message;
  const target = new URL(url);
  target.pathname = `${target.pathname.replace(/\/$/, '')}${PATHS[kind]}`;
  const body = [title, ...lines, ...(output === undefined ? [] : ['', output])].join('\n');
  await post({ url: target.href, headers: { 'content-type': 'text/plain; charset=utf-8' }, body, signal });
};
