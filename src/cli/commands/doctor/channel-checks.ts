// The checks of the channels: what they did not take, and what waits for them. A warning at most: jobs run all the same.
import type { ChannelStanding } from '../../../contracts/notices.ts';
import type { Check } from './check.ts';

export function channelChecks(channels: readonly ChannelStanding[]): Check[] {
  return channels.flatMap(({ channel, dead, why, waiting, trouble }) => [
    ...(dead === 0
      ? []
      : [
          warning(
            `${channel} did not take ${notices(dead)} (dead letters): ${why}`,
            `Correct it with \`lsh channel add ${channel}\`; \`lsh channel test ${channel} --retry\` sends them again.`,
          ),
        ]),
    ...(trouble === undefined
      ? []
      : [
          warning(
            `${notices(waiting)} for ${channel} ${waiting === 1 ? 'waits' : 'wait'}: ${trouble}`,
            `\`lsh channel test ${channel}\` tries it now.`,
          ),
        ]),
  ]);
}

function notices(count: number): string {
  return count === 1 ? '1 notice' : `${count} notices`;
}

function warning(detail: string, hint: string): Check {
  return { name: 'channels', result: 'warn', detail, hint };
}
