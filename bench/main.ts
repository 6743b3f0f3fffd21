// `npm run bench`: prints one line for each budget, with its peer from the same run. `--json` prints JSON. Arguments
// choose groups: schedule, evaluation, lag, runs, daemon, burst, cli, secrets, history, idle, cluster. `--seconds` sets the duration of the
// group daemon, `--slots` the length of the group burst.
import { parseArgs } from 'node:util';
import { kubeBinaries } from '../test/support/cluster/kube-binaries.ts';
import type { Row } from './row.ts';

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean' },
    seconds: { type: 'string', default: '20' },
    slots: { type: 'string', default: '12' },
  },
  allowPositionals: true,
});

// Imports each group just before it runs: the heap of another group would delay its callbacks.
const GROUPS: Record<string, () => Promise<Row[]>> = {
  schedule: async () => (await import('./schedule.ts')).scheduleRows(),
  evaluation: async () => (await import('./evaluation.ts')).evaluationRows(),
  lag: async () => (await import('./start-lag.ts')).startLagRows(),
  runs: async () => (await import('./shell-runs.ts')).shellRuns(),
  daemon: async () => (await import('./daemon-runs.ts')).daemonRunRows(Number(values.seconds)),
  burst: async () => (await import('./burst.ts')).burstRows(Number(values.slots)),
  cli: async () => (await import('./cli.ts')).cliRows(),
  secrets: async () => (await import('./secrets.ts')).secretsRows(),
  history: async () => (await import('./history.ts')).historyRows(),
  idle: async () => (await import('./idle.ts')).idleRows(),
  cluster: async () => {
    const binaries = kubeBinaries();
    if (binaries === undefined) throw new Error('the group cluster needs API server binaries');
    // The module reads the variable when it loads.
    process.env['KUBEBUILDER_ASSETS'] = binaries;
    return (await import('./cluster.ts')).clusterRows();
  },
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
