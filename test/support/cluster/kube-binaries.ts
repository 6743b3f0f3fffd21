// The binaries of the API server, found or built by scripts/kube-binaries.ts.
import { spawnSync } from 'node:child_process';

/** Their directory; undefined, with the reason on stderr, if they can be neither found nor built. */
export function kubeBinaries(): string | undefined {
  const found = spawnSync(process.execPath, ['scripts/kube-binaries.ts'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return found.status === 0 ? found.stdout.trim() : undefined;
}
