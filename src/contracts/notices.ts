// How the channels of a daemon stand.

/** How a channel stands, for people. */
export interface ChannelStanding {
  channel: string;
  /** Notices that wait. */
  waiting: number;
  /** Notices that the channel did not take. */
  dead: number;
  /** Why the newest of these was not taken. */
  why?: string;
  /** Why the last try failed; undefined while all is well. */
  trouble?: string;
  /** LSH_NOTIFY of the daemon names it, and there is no such channel. */
  unknown?: true;
}
