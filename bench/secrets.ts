// `lsh push` of 50 changed variables and `lsh secrets run` with them, beside `dotenvx encrypt` and `dotenvx run` with the same
// file, and an empty Node process. They take turns.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BUNDLE } from '../test/support/daemon/bundle.ts';
import { newHome } from './lsh-process.ts';
import { median, type Row } from './row.ts';

const ROUNDS = 15;
const VARIABLES = 50;

const require = createRequire(import.meta.url);
const DOTENVX = join(dirname(require.resolve('@dotenvx/dotenvx/package.json')), 'src/cli/dotenvx.js');

/** In their order of each round: what dotenvx encrypts, it runs a command with. */
const VERBS = [
  {
    name: `lsh push of ${VARIABLES} variables`,
    /** Times `node -e 0`. */
    budget: 3,
    ours: ['push', '--env', 'prod'],
    peer: ['encrypt', '-f', '.env'],
  },
  {
    name: `lsh secrets run of true with ${VARIABLES} variables`,
    budget: 2.5,
    ours: ['secrets', 'run', '--env', 'prod', '--', 'true'],
    peer: ['run', '-f', '.env', '--', 'true'],
  },
];

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
    const rounds = Array.from({ length: ROUNDS + 1 }, (_, round) => {
      writeFileSync(join(directory, '.env'), envFile(round));
      const verbs = VERBS.map(({ ours, peer }) => ({
        ours: timeMs(BUNDLE, ...ours),
        peer: timeMs(DOTENVX, ...peer),
      }));
      return { verbs, empty: timeMs('-e', '0') };
    });
    // The first push makes a key and fills the compile cache, as on the first day of use.
    const counted = rounds.slice(1);
    const empty = median(counted.map((round) => round.empty));
    return VERBS.map(({ name, budget, peer }, verb) => {
      const value = median(counted.map(({ verbs }) => verbs[verb]!.ours)) / empty;
      const peerValue = median(counted.map(({ verbs }) => verbs[verb]!.peer)) / empty;
      return {
        name,
        value,
        unit: 'x node -e 0',
        peers: [
          { name: `dotenvx ${peer[0]}`, value: peerValue },
          { name: 'node -e 0', value: 1 },
        ],
        budget: `<= ${budget}x, and below dotenvx`,
        ok: value <= budget && value < peerValue,
      };
    });
  } finally {
    home.dispose();
  }
}
