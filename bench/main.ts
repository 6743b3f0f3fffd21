// `npm run bench`: every budget as one line, with its peer measured in the same run. `--json` for programs; words
// choose groups: schedule, evaluation, lag, runs, daemon, cli, idle, cluster. `--seconds` is how long the daemon is kept busy.
import { parseArgs } from 'node:util';
import { cliRows } from './cli.ts';
import { clusterRows } from './cluster.ts';
import { daemonRunRows } from './daemon-runs.ts';
import { evaluationRows } from './evaluation.ts';
import { idleRows } from './idle.ts';
import type { Row } from './row.ts';
import { scheduleRows } from './schedule.ts';
import { shellRuns } from './shell-runs.ts';
import { startLagRows } from './start-lag.ts';

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, seconds: { type: 'string', default: '20' } },
  allowPositionals: true,
});

const GROUPS: Record<string, () => Row[] | Promise<Row[]>> = {
  schedule: scheduleRows,
  evaluation: evaluationRows,
  lag: startLagRows,
  runs: shellRuns,
  daemon: () => daemonRunRows(Number(values.seconds)),
  cli: cliRows,
  idle: idleRows,
  cluster: clusterRows,
};

const wanted = positionals.length > 0 ? positionals : Object.keys(GROUPS);
const rows: Row[] = [];
for (const name of wanted) {
  const group = GROUPS[name];
  if (group === undefined) throw new Error(`no group "${name}"; there are ${Object.keys(GROUPS).join(', ')}`);
  if (!values.json) console.error(`measuring ${name} …`);
  const measured = await group();
  rows.push(...measured);
  if (!values.json) for (const row of measured) console.log(line(row));
}
if (values.json) console.log(JSON.stringify(rows, null, 2));

function line({ name, value, unit, peers, budget, ok }: Row): string {
  const others = peers.map((peer) => `${peer.name} ${figure(peer.value)}`).join(', ');
  return `${ok ? 'ok  ' : 'OVER'} ${name}: ${figure(value)} ${unit} (budget ${budget}${others && `; ${others}`})`;
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
