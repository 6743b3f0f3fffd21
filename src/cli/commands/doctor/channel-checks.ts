// The checks of the channels: those that do not exist, what they did not take, and what waits for them. A warning at most:
// jobs run all the same.
import type { ChannelStanding } from '../../../contracts/notices.ts';
import type { Check } from './check.ts';

export function channelChecks(channels: readonly ChannelStanding[]): Check[] {
  return channels.flatMap(({ channel, dead, why, waiting, trouble, unknown }) => [
    ...(unknown
      ? [
          warning(
            `LSH_NOTIFY of the daemon names ${channel}, and there is no such channel`,
            `Add it with \`lsh channel add ${channel} --kind …\`: jobs without \`notify\` tell it of failures.`,
          ),
        ]
      : []),
    ...(dead === 0
      ? []
      : [
          warning(
            `${channel} did not take ${notices(dead)} (dead letters): ${why}`,
            `Correct it with \`lsh channel add ${channel}\`; \`lsh channel test ${channel} --retry\` sends them again.`,
          ),
        ]),
    // A dead letter leaves its trouble behind, which the line above tells.
    ...(trouble === undefined || waiting === 0
      ? []
      : [
          warning(
            `${notices(waiting)} for ${channel} ${waiting === 1 ? 'waits' : 'wait'}: ${trouble}`,
            `\`lsh channel test ${channel}\` tries it now; \`lsh channel add ${channel}\` adds or corrects it.`,
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
