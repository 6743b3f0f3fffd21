// Closes the descriptors that the caller's shell left open: a lock on one of them would be held as long as the process
// and its commands live.
import { closeSync, readFileSync, readdirSync } from 'node:fs';

const OPEN_DESCRIPTORS = '/proc/self/fd';
const O_CLOEXEC = 0o2000000;

/**
 * Closes every descriptor above 2 that a command would inherit. Node.js opens its own with close-on-exec and sets it on
 * the first 16, so a socket of systemd and the channel to the parent stay open. Outside Linux it closes nothing: macOS
 * gives a child only the descriptors that the spawn lists.
 */
export function closeInheritedDescriptors(): void {
  if (process.platform !== 'linux') return;
  for (const descriptor of readdirSync(OPEN_DESCRIPTORS).map(Number))
    if (descriptor > 2 && isInheritable(descriptor)) closeSync(descriptor);
}

function isInheritable(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // The descriptor of the listing itself is closed by now.
    return false;
  }
}
