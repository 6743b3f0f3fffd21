// The messages of a child process. Node may emit several at once, of which a listener that is added again after the
// first misses the second: this class loses none.
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';

export class ChildMessages {
  readonly #heard = new EventEmitter<{ change: [] }>();
  readonly #untaken: unknown[] = [];
  #ended = false;

  constructor(child: ChildProcess) {
    child.on('message', (message) => {
      this.#untaken.push(message);
      this.#heard.emit('change');
    });
    child.once('disconnect', () => {
      this.#ended = true;
      this.#heard.emit('change');
    });
  }

  /** Takes the first matching message, past or future; rejects when the child has disconnected. */
  async take<T>(wanted: (message: unknown) => T | undefined): Promise<T> {
    for (let next = 0; ; next++) {
      while (next >= this.#untaken.length) {
        if (this.#ended) throw new Error('the child has said all that it says');
        await once(this.#heard, 'change');
      }
      const found = wanted(this.#untaken[next]);
      if (found === undefined) continue;
      this.#untaken.splice(next, 1);
      return found;
    }
  }
}
