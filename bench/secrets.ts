// `lsh push` of 50 changed variables, beside an empty Node process and `dotenvx encrypt` of the same file. They take turns.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BUNDLE } from '../test/support/daemon/bundle.ts';
import { newHome } from './lsh-process.ts';
import { median, type Row } from './row.ts';

const ROUNDS = 15;
const VARIABLES = 50;
/** Times `node -e 0`. */
const BUDGET = 3;

const require = createRequire(import.meta.url);
const DOTENVX = join(dirname(require.resolve('@dotenvx/dotenvx/package.json')), 'src/cli/dotenvx.js');

function envFile(round: number): string {
  const lines = Array.from({ length: VARIABLES }, (_, index) => `KEY_${index}="value ${round} ${index}"\n`);
  return lines.join('');
}

export function secretsRows(): Row[] {
  const home = newHome();
  try {
    const directory = join(home.env['HOME']!, 'project');
    mkdirSync(directory);
    const timeMs = (...args: string[]) => {
      const before = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, {
        env: home.env,
        cwd: directory,
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
      return performance.now() - before;
    };
    const times = { empty: [] as number[], ours: [] as number[], dotenvx: [] as number[] };
    // The first push makes a key and fills the compile cache, as on the first day of use.
    for (let round = 0; round <= ROUNDS; round++) {
      writeFileSync(join(directory, '.env'), envFile(round));
      const ours = timeMs(BUNDLE, 'push', '--env', 'prod');
      const dotenvx = timeMs(DOTENVX, 'encrypt', '-f', '.env');
      const empty = timeMs('-e', '0');
      if (round === 0) continue;
      times.ours.push(ours);
      times.dotenvx.push(dotenvx);
      times.empty.push(empty);
    }
    const value = median(times.ours) / median(times.empty);
    const peer = median(times.dotenvx) / median(times.empty);
    return [
      {
        name: `lsh push of ${VARIABLES} variables`,
        value,
        unit: 'x node -e 0',
        peers: [
          { name: 'dotenvx encrypt', value: peer },
          { name: 'node -e 0', value: 1 },
        ],
        budget: `<= ${BUDGET}x, and below dotenvx`,
        ok: value <= BUDGET && value < peer,
      },
    ];
  } finally {
    home.dispose();
  }
}
