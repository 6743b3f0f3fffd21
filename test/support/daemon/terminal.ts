// The built program on a terminal of its own, by script(1) of util-linux: what it asks only there, and what the screen shows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BUNDLE } from './bundle.ts';
import type { TestHome } from './daemon.ts';

export interface Terminal {
  /** Resolves once the screen has shown the text; rejects if the command ends before. */
  shows(text: string): Promise<void>;
  type(keys: string): void;
  ended(): Promise<{ status: number | null; screen: string }>;
}

/** Calls `lsh` with arguments that hold no quote. */
export function onTerminal({ env }: Pick<TestHome, 'env'>, args: string[]): Terminal {
  const command = [process.execPath, BUNDLE, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qfec', command, '/dev/null'], { env });
  const output = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let screen = '';
  const read = async (): Promise<boolean> => {
    const { value, done } = await output.next();
    if (!done) screen += String(value);
    return !done;
  };
  return {
    async shows(text) {
      while (!screen.includes(text))
        if (!(await read())) throw new Error(`the command ended without "${text}": ${screen}`);
    },
    type: (keys) => void child.stdin.write(keys),
    async ended() {
      while (await read());
      child.stdin.end();
      const [status] = await exited;
      return { status, screen };
    },
  };
}
