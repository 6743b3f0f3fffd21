// Rows of the cluster bench, each with its peers.
import type { CronJobController } from './cluster-peers.ts';
import { DUE, FEW, MANY, type Due, type Many } from './cluster-sizes.ts';
import { median, percentile, type Row } from './row.ts';

/** Ratios to bare POSTs in the same run: machines differ more than versions of lsh. */
const DUE_BUDGET = 2;
const TYPED_BUDGET = 0.75;
const SOCKETS_BUDGET = 4;

/** Measurements of one run. */
export interface Measurements {
  /** Duration of a thousand bare POSTs, milliseconds. */
  floorMs: number;
  /** Creates a second with the library’s typed client. */
  typedPerSecond: number;
  due: Due;
  many: Many;
  /** Peak number of connections to the API server. */
  sockets: { due: number; many: number };
  peers: CronJobController[];
}

export function clusterRowsOf({ floorMs, typedPerSecond, due, many, sockets, peers }: Measurements): Row[] {
  return [
    ...dueRows(due, floorMs, peers),
    socketsRow(`${DUE} due`, sockets.due),
    ...manyRows(many, peers),
    socketsRow(`${MANY} there`, sockets.many),
    typedRow(typedPerSecond, (DUE * 1000) / floorMs),
  ];
}

function dueRows(due: Due, floorMs: number, peers: CronJobController[]): Row[] {
  const last = lastOf(due.lags);
  const beside = (value: (due: Due) => number) =>
    peers.map((peer) => ({ name: peer.name, value: value(peer.due) }));
  return [
    {
      name: `${DUE} due in one minute, the last Job behind it`,
      value: last,
      unit: 'ms',
      peers: [{ name: 'bare POSTs', value: floorMs }, ...beside(({ lags }) => lastOf(lags))],
      budget: `<= ${DUE_BUDGET}x bare POSTs (1,000 of 500 ms)`,
      ok: last <= DUE_BUDGET * floorMs,
    },
    {
      name: `${DUE} due in one minute, median`,
      value: median(due.lags),
      unit: 'ms',
      peers: [{ name: 'bare POSTs', value: floorMs / 2 }, ...beside(({ lags }) => median(lags))],
      ...UNBOUNDED,
    },
    {
      name: `${DUE} due in one minute, Jobs created in it`,
      value: due.lags.length,
      unit: 'Jobs',
      peers: beside(({ lags }) => lags.length),
      budget: `${DUE}`,
      ok: due.lags.length === DUE,
    },
    {
      name: `${DUE} due in one minute, CPU of the controller`,
      value: due.cpuMs,
      unit: 'ms',
      peers: beside(({ cpuMs }) => cpuMs),
      ...UNBOUNDED,
    },
    {
      name: `${DUE} due in one minute, RSS of the controller`,
      value: due.rssMb,
      unit: 'MB',
      peers: beside(({ rssMb }) => rssMb),
      ...UNBOUNDED,
    },
  ];
}

function manyRows(many: Many, peers: CronJobController[]): Row[] {
  const p99 = p99Of(many.lags);
  const beside = (value: (many: Many) => number) =>
    peers.map((peer) => ({ name: peer.name, value: value(peer.many) }));
  return [
    {
      name: `${FEW} due of ${MANY}, p99 of the start`,
      value: p99,
      unit: 'ms',
      peers: beside(({ lags }) => p99Of(lags)),
      budget: '<= 100 ms',
      ok: p99 <= 100,
    },
    {
      name: `${FEW} due of ${MANY}, RSS of the controller`,
      value: many.rssMb,
      unit: 'MB',
      peers: beside(({ rssMb }) => rssMb),
      budget: '<= 200 MB',
      ok: many.rssMb <= 200,
    },
    {
      name: `${MANY} there, CPU of an idle minute`,
      value: many.idleCpuMs,
      unit: 'ms',
      peers: beside(({ idleCpuMs }) => idleCpuMs),
      ...UNBOUNDED,
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

function lastOf(lags: readonly number[]): number {
  return lags.length < DUE ? Infinity : Math.max(...lags);
}

function p99Of(lags: readonly number[]): number {
  return lags.length < FEW ? Infinity : percentile(lags, 0.99);
}
