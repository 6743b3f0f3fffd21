// Duration of commands as a ratio to an empty Node process. The two alternate, so that noise affects both.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { BUNDLE } from '../test/support/daemon/bundle.ts';
import { newHome, type LshHome } from './lsh-process.ts';
import { median, timeMs, type Row } from './row.ts';

const ROUNDS = 15;
/** A difference of few milliseconds needs more rounds than a ratio. */
const LAUNCHER_ROUNDS = 100;
const LAUNCHER_BUDGET_MS = 3;

function emptyNode(home: LshHome): () => unknown {
  return () => spawnSync(process.execPath, ['-e', '0'], { env: home.env });
}

interface Measured {
  name: string;
  /** Times `node -e 0`. */
  budget: number;
  work: (round: number) => unknown;
  after?: () => unknown;
}

function ratio(home: LshHome, { name, budget, work, after }: Measured): Row {
  const ours: number[] = [];
  const empty: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    empty.push(timeMs(emptyNode(home)));
    ours.push(timeMs(() => work(round)));
    after?.();
  }
  const value = median(ours) / median(empty);
  return {
    name,
    value,
    unit: 'x node -e 0',
    peers: [{ name: 'node -e 0', value: 1 }],
    budget: `<= ${budget}x`,
    ok: value <= budget,
  };
}

/** What the launcher costs, as the median of differences to the program without it. */
function launcherRow({ env }: LshHome): Row {
  const launcher = join(dirname(BUNDLE), 'lsh');
  const differences = Array.from({ length: LAUNCHER_ROUNDS }, () => {
    const alone = timeMs(() => spawnSync(process.execPath, ['--', BUNDLE, '--version'], { env }));
    return timeMs(() => spawnSync(launcher, ['--version'], { env })) - alone;
  });
  const value = median(differences);
  return {
    name: 'lsh --version by its launcher, over node dist/lsh.js',
    value,
    unit: 'ms',
    peers: [],
    budget: `<= ${LAUNCHER_BUDGET_MS} ms`,
    ok: value <= LAUNCHER_BUDGET_MS,
  };
}

export function cliRows(): Row[] {
  const home = newHome();
  try {
    home.lsh('daemon', 'start'); // fills the compile cache, as on the second day of use
    home.lsh('cron', 'add', '--name', 'warm', '--schedule', '@yearly', '--command', 'true');
    const version = ratio(home, { name: 'lsh --version', budget: 1.6, work: () => home.lsh('--version') });
    const add = ratio(home, {
      name: 'lsh cron add',
      budget: 1.9,
      work: (round) =>
        home.lsh('cron', 'add', '--name', `job-${round}`, '--schedule', '0 2 * * 0', '--command', 'true'),
    });
    home.lsh('daemon', 'stop');
    const start = ratio(home, {
      name: 'lsh daemon start, until it answers',
      budget: 4,
      work: () => home.lsh('daemon', 'start'),
      after: () => home.lsh('daemon', 'stop'),
    });
    return [version, launcherRow(home), add, start];
  } finally {
    home.dispose();
  }
}
