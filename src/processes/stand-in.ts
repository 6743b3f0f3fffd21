// The process that reads the output of running commands while no daemon lives. A daemon leaves it behind, and the next
// daemon ends it. It has no log: what it cannot do waits for that daemon.
import { loadConfig } from '../config.ts';
import { EXIT, type ExitStatus } from '../core/errors.ts';
import { mountedSecrets } from '../runners/subprocess/command/mounted-secrets.ts';
import { standIn } from '../runners/subprocess/stand-in.ts';
import { localSecrets } from './secrets/late-secrets.ts';

/** Signals other than TERM must not end it: the commands would block. */
const IGNORED_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;

/** Reads until every command has ended, or until TERM. */
export async function runStandIn(stateDir: string): Promise<ExitStatus> {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  for (const signal of IGNORED_SIGNALS) process.on(signal, () => undefined);
  const { inheritedSecrets, deliveredSecrets, maxOutputBytes } = loadConfig();
  const secrets = Object.values(inheritedSecrets);
  // That of the process that left it behind: `lsh runner` with mounted Secrets, or the daemon.
  const secretSource = deliveredSecrets === undefined ? localSecrets : mountedSecrets(deliveredSecrets);
  await standIn({ stateDir, secrets, secretSource, maxOutputBytes }, stop.signal);
  return EXIT.ok;
}
