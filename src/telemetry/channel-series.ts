// The series of channels of a daemon, in the text format of Prometheus.
import type { ChannelStanding } from '../contracts/notices.ts';
import { head } from './job-series.ts';

const FAMILIES = [
  {
    name: 'lsh_notices_waiting',
    help: 'Notices that the channel has still to hear of.',
    read: ({ waiting }: ChannelStanding) => waiting,
  },
  {
    name: 'lsh_notices_dead',
    help: 'Dead letters: notices that the channel did not take.',
    read: ({ dead }: ChannelStanding) => dead,
  },
];

/** None for a channel that has taken everything. */
export function channelSeries(channels: readonly ChannelStanding[]): string[] {
  if (channels.length === 0) return [];
  return FAMILIES.flatMap(({ name, help, read }) => [
    ...head(name, help),
    ...channels.map((one) => `${name}{channel="${one.channel}"} ${read(one)}`),
  ]);
}
