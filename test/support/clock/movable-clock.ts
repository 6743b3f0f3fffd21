// The clock of processes that a test starts; the test moves it while they run.
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { tempDir } from '../temp-dir.ts';

const PRELOAD = new URL('moved-clock.ts', import.meta.url).href;

export class MovableClock {
  readonly #path = join(tempDir(), 'clock');
  readonly #file = openSync(this.#path, 'w');

  constructor() {
    onTestFinished(() => closeSync(this.#file));
  }

  /** Variables of a process that has this clock. */
  get env(): Record<string, string> {
    return { NODE_OPTIONS: `--import=${PRELOAD}`, TEST_CLOCK_FILE: this.#path };
  }

  /** From here on the clock shows the instant, in milliseconds, and goes on from there. */
  moveTo(instant: number): void {
    const ahead = Buffer.alloc(8);
    ahead.writeDoubleLE(instant - Date.now());
    writeSync(this.#file, ahead, 0, ahead.length, 0);
  }
}
