// Rows of the cluster bench, each with its peers.
import type { CronJobController } from './cluster-peers.ts';
import { DUE, FEW, MANY, MORE_DUE, type Due, type Many } from './cluster-sizes.ts';
import { percentile, type Row } from './row.ts';

/** Ratios to peers in the same run: machines differ more than versions of lsh. */
const DUE_BUDGET = 1.3;
const MEDIAN_BUDGET = 0.8;
const TYPED_BUDGET = 0.75;
const SOCKETS_BUDGET = 4;
/** Milliseconds of CPU: for each job that is due, and for an idle minute. */
const CPU_BUDGET_EACH_MS = 2.5;
const IDLE_BUDGET_MS = 600;
const END_BUDGET_MS = 1_000;

/** Measurements of one run. */
export interface Measurements {
  /** Duration of a thousand bare POSTs, milliseconds. */
  floorMs: number;
  /** The same of five thousand. */
  moreFloorMs: number;
  /** Creates a second with the library’s typed client. */
  typedPerSecond: number;
  due: Due;
  moreDue: Due;
  /** How long after the end of its Job the status of an LshJob shows it while others start, milliseconds. */
  endLags: number[];
  moreEndLags: number[];
  many: Many;
  /** Peak number of connections to the API server. */
  sockets: { due: number; many: number };
  peers: CronJobController[];
}

export function clusterRowsOf(measured: Measurements): Row[] {
  const { floorMs, typedPerSecond, many, sockets, peers } = measured;
  return [
    ...dueRows(
      measured.due,
      floorMs,
      beside(peers, ({ due }) => due),
    ),
    ...dueRows(
      measured.moreDue,
      measured.moreFloorMs,
      beside(peers, ({ moreDue }) => moreDue),
    ),
    endsRow(DUE, measured.endLags),
    endsRow(MORE_DUE, measured.moreEndLags),
    socketsRow(`${DUE} due`, sockets.due),
    ...manyRows(many, peers),
    socketsRow(`${MANY} there`, sockets.many),
    typedRow(typedPerSecond, (DUE * 1000) / floorMs),
  ];
}

interface DuePeer {
  name: string;
  due: Due;
}

function beside(peers: readonly CronJobController[], dueOf: (peer: CronJobController) => Due): DuePeer[] {
  return peers.map((peer) => ({ name: peer.name, due: dueOf(peer) }));
}

function dueRows(due: Due, floorMs: number, peers: readonly DuePeer[]): Row[] {
  const { count, lags, cpuMs, rssMb } = due;
  const peersBy = (value: (due: Due) => number) =>
    peers.map((peer) => ({ name: peer.name, value: value(peer.due) }));
  const last = lastOf(due);
  const middle = medianOf(due);
  const medians = peersBy(medianOf);
  // The quicker of the controllers is the tuned one.
  const tuned = Math.min(...medians.map(({ value }) => value));
  return [
    {
      name: `${count} due in one minute, the last Job behind it`,
      value: last,
      unit: 'ms',
      peers: [{ name: 'bare POSTs', value: floorMs }, ...peersBy(lastOf)],
      budget: `<= ${DUE_BUDGET}x bare POSTs`,
      ok: last <= DUE_BUDGET * floorMs,
    },
    {
      name: `${count} due in one minute, median`,
      value: middle,
      unit: 'ms',
      peers: [{ name: 'bare POSTs', value: floorMs / 2 }, ...medians],
      budget: `<= ${MEDIAN_BUDGET}x CronJob controller, tuned`,
      ok: middle <= MEDIAN_BUDGET * tuned,
    },
    {
      name: `${count} due in one minute, Jobs created in it`,
      value: lags.length,
      unit: 'Jobs',
      peers: peersBy((peer) => peer.lags.length),
      budget: `${count}`,
      ok: lags.length === count,
    },
    {
      name: `${count} due in one minute, CPU of the controller`,
      value: cpuMs,
      unit: 'ms',
      peers: peersBy((peer) => peer.cpuMs),
      budget: `<= ${CPU_BUDGET_EACH_MS * count} ms`,
      ok: cpuMs <= CPU_BUDGET_EACH_MS * count,
    },
    {
      name: `${count} due in one minute, RSS of the controller`,
      value: rssMb,
      unit: 'MB',
      peers: peersBy((peer) => peer.rssMb),
      ...UNBOUNDED,
    },
  ];
}

function endsRow(count: number, lags: readonly number[]): Row {
  const p99 = percentile(lags, 0.99);
  return {
    name: `${count} due in one minute, p99 from the end of a Job to its status meanwhile`,
    value: p99,
    unit: 'ms',
    peers: [],
    budget: `<= ${END_BUDGET_MS} ms`,
    ok: p99 <= END_BUDGET_MS,
  };
}

function manyRows(many: Many, peers: CronJobController[]): Row[] {
  const p99 = p99Of(many.lags);
  const peersBy = (value: (many: Many) => number) =>
    peers.map((peer) => ({ name: peer.name, value: value(peer.many) }));
  return [
    {
      name: `${FEW} due of ${MANY}, p99 of the start`,
      value: p99,
      unit: 'ms',
      peers: peersBy(({ lags }) => p99Of(lags)),
      budget: '<= 100 ms',
      ok: p99 <= 100,
    },
    {
      name: `${FEW} due of ${MANY}, RSS of the controller`,
      value: many.rssMb,
      unit: 'MB',
      peers: peersBy(({ rssMb }) => rssMb),
      budget: '<= 200 MB',
      ok: many.rssMb <= 200,
    },
    {
      name: `${MANY} there, CPU of an idle minute`,
      value: many.idleCpuMs,
      unit: 'ms',
      peers: peersBy(({ idleCpuMs }) => idleCpuMs),
      budget: `<= ${IDLE_BUDGET_MS} ms`,
      ok: many.idleCpuMs <= IDLE_BUDGET_MS,
    },
  ];
}

const UNBOUNDED = { budget: 'none: beside its peers', ok: true };

function socketsRow(when: string, sockets: number): Row {
  return {
    name: `sockets to the API server at the peak, ${when}`,
    value: sockets,
    unit: 'sockets',
    peers: [],
    budget: `<= ${SOCKETS_BUDGET}`,
    ok: sockets <= SOCKETS_BUDGET,
  };
}

function typedRow(perSecond: number, bare: number): Row {
  return {
    name: `${DUE} Job creates through the typed client`,
    value: perSecond,
    unit: 'calls/s',
    peers: [{ name: 'bare POSTs', value: bare }],
    budget: `>= ${TYPED_BUDGET}x bare POSTs (1,500 of 2,000 calls/s)`,
    ok: perSecond >= TYPED_BUDGET * bare,
  };
}

function lastOf({ count, lags }: Due): number {
  return lags.length < count ? Infinity : Math.max(...lags);
}

/** Of all jobs that are due: a Job that was not created in the minute counts as infinitely late. */
function medianOf({ count, lags }: Due): number {
  return lags.length < count / 2 ? Infinity : percentile(lags, count / 2 / lags.length);
}

function p99Of(lags: readonly number[]): number {
  return lags.length < FEW ? Infinity : percentile(lags, 0.99);
}
