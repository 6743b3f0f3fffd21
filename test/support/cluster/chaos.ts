// Random faults of the leader, from a seed: killed, frozen, cut off from the API server. The work itself measures the
// time: a fault lasts until the cluster has run slots that are this much newer.
import type { Lease } from '../../../src/kubernetes/api/lease-record.ts';
import { eventually } from '../eventually.ts';
import type { OperatorCluster } from './operator-cluster.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';
import type { Replica } from './replica.ts';

const LEASE_PATH = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/lsh-controller`;
const FAULTS = ['kill', 'freeze', 'cut', 'silence'] as const;
type Fault = (typeof FAULTS)[number];
/** Several short lease durations, and more than one default lease duration. */
const FREEZE_MS = 20_000;

export interface ChaosOptions {
  cluster: OperatorCluster;
  replicas: readonly Replica[];
  seed: number;
  /** Faults begin and end before this instant. */
  until: number;
  /** Length of a cut and of a silence: longer than the lease, so that another replica leads meanwhile. */
  faultMs: number;
  /** The newest executed slot. */
  newestSlot: () => number;
}

/** Inflicts one fault after the other on the leader; resolves with the faults. */
export async function chaos(options: ChaosOptions): Promise<Fault[]> {
  const random = mulberry32(options.seed);
  const done: Fault[] = [];
  while (options.newestSlot() < options.until - options.faultMs) {
    await slotsReach(options, Date.now() + 1_000 + (random() * options.faultMs) / 2);
    const leader = await leaderOf(options);
    const choice = choiceAfter(done);
    const fault = choice[Math.floor(random() * choice.length)]!;
    done.push(fault);
    await inflict(fault, leader, options);
  }
  return done;
}

/** The first round has each fault; the freeze comes third or fourth, because it takes half of the shortest test. */
function choiceAfter(done: readonly Fault[]): readonly Fault[] {
  const left = FAULTS.filter((fault) => !done.includes(fault) && (fault !== 'freeze' || done.length >= 2));
  return left.length > 0 ? left : FAULTS;
}

async function inflict(fault: Fault, leader: Replica, options: ChaosOptions): Promise<void> {
  switch (fault) {
    case 'kill':
      leader.signal('SIGKILL');
      return;
    case 'freeze':
      leader.signal('SIGSTOP');
      await slotsReach(options, Date.now() + FREEZE_MS);
      return leader.heal();
    case 'cut':
      leader.cutOff();
      break;
    case 'silence':
      leader.silence();
  }
  await slotsReach(options, Date.now() + options.faultMs);
  leader.heal();
}

async function slotsReach({ until, newestSlot }: ChaosOptions, at: number): Promise<void> {
  await eventually(() => newestSlot() >= Math.min(at, until), { withinMs: 150_000, what: 'a newer slot' });
}

async function leaderOf({ cluster, replicas }: ChaosOptions): Promise<Replica> {
  return eventually(
    async () => {
      const { spec } = await cluster.admin.json<Lease>({ path: LEASE_PATH });
      return replicas.find(({ operator }) => spec?.holderIdentity?.endsWith(`_${operator.process.pid}`));
    },
    { withinMs: 150_000, what: 'a leader' },
  );
}

/** Random numbers from 0 to 1, determined by the seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
