// The operator’s connections are cut each second while its jobs are due: memory stays flat, sockets stay few, and the
// ledger stays complete. LSH_CHAOS_SECONDS makes the test longer.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { findings, isComplete } from '../../support/cluster/ledger-check.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { Replica } from '../../support/cluster/replica.ts';

const SECONDS = Number(process.env['LSH_CHAOS_SECONDS'] ?? 60);
const JOBS = 10;
/** Longer than the default: a busy machine that renews too slowly would end the operator, and with it the measurement. */
const LEASE = ['--lease-duration', '15s'];
const MAX_SOCKETS = 4;
const MAX_RSS_MB = 200;
/** Garbage that is not collected yet lets memory vary by this much. */
const BREATH = 1.3;

describe.skipIf(NO_KUBE)('the operator with its connections cut each second', () => {
  let cluster: OperatorCluster;
  let replica: Replica;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    replica = await Replica.start(cluster, LEASE);
    await replica.operator.leads();
  });
  afterAll(async () => {
    await replica?.stop();
    await cluster?.stop();
  });

  test(
    `holds its memory, its sockets and its ledger for ${SECONDS} s`,
    { timeout: SECONDS * 1000 + 120_000 },
    async () => {
      const until = Math.ceil(Date.now() / 1000 + SECONDS) * 1000;
      const notAfter = new Date(until).toISOString();
      const spec = { schedule: '* * * * * *', notAfter, successfulRunsHistoryLimit: 10 };
      const created = await Promise.all(
        Array.from({ length: JOBS }, (_, index) => cluster.create(`soak-${index}`, spec)),
      );
      const samples: number[] = [];
      let mostSockets = 0;
      for (let second = Date.now(); second < until; second = Math.max(second + 1_000, Date.now())) {
        await eventually(() => Date.now() >= second || replica.proxy.open > MAX_SOCKETS);
        mostSockets = Math.max(mostSockets, replica.proxy.open);
        samples.push(rssMb(replica.operator.process.pid!));
        replica.proxy.cut();
      }
      const accounts = () => created.map((object) => cluster.ledgerOf(object, until));
      await eventually(() => accounts().every(isComplete), { withinMs: 60_000 }).catch(() => undefined);

      const third = Math.floor(samples.length / 3);
      const [early, late] = [mean(samples.slice(third, 2 * third)), mean(samples.slice(-third))];
      console.log(
        `RSS ${early.toFixed(0)} MB, later ${late.toFixed(0)} MB; ${mostSockets} sockets; ${replica.proxy.accepted} connections`,
      );
      expect(accounts().flatMap(findings)).toEqual([]);
      expect(replica.ends).toEqual([]);
      expect(replica.proxy.accepted).toBeGreaterThan(SECONDS / 3);
      expect(mostSockets).toBeLessThanOrEqual(MAX_SOCKETS);
      expect(late).toBeLessThan(Math.min(MAX_RSS_MB, early * BREATH));
    },
  );
});

function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
