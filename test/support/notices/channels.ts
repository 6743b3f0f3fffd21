// A home whose user has channels.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { aHome, type TestHome } from '../daemon/daemon.ts';

export function aHomeWith(channels: Record<string, object>, env: Record<string, string> = {}): TestHome {
  const home = aHome(env);
  writeChannels(home, channels);
  return home;
}

export function writeChannels({ env }: Pick<TestHome, 'env'>, channels: Record<string, object>): void {
  const file = join(env['HOME']!, '.config', 'lsh', 'channels.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(channels), { mode: 0o600 });
}
