// Where the binaries of the API server are, found or made by the script that does so.
import { spawnSync } from 'node:child_process';

/** Their directory; undefined, with the reason on stderr, where there are none and none can be made. */
export function kubeBinaries(): string | undefined {
  const found = spawnSync(process.execPath, ['scripts/kube-binaries.ts'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return found.status === 0 ? found.stdout.trim() : undefined;
}
