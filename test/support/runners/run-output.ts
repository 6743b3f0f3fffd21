// Waits for the end of a run, and reads output.
import type { Runner } from '../../../src/control/ports.ts';
import type { RunEnd, Run } from '../../../src/core/run.ts';

/** Resolves with the end of the run, which the runner announces. Call it before the run can end. */
export function endOf(runner: Runner, run: Run): Promise<RunEnd> {
  return new Promise((resolve) => {
    const look = () => {
      const seen = runner.observe(run.job).find(({ name }) => name === run.name);
      if (seen?.state === 'Ended') resolve(seen);
    };
    runner.onChange(look);
    look();
  });
}

export async function readAll(parts: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const part of parts) chunks.push(part);
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads until the text appears; throws when the output ends before. */
export async function readUntil(parts: AsyncIterable<Uint8Array>, wanted: string): Promise<string> {
  let text = '';
  for await (const part of parts) {
    text += Buffer.from(part).toString('utf8');
    if (text.includes(wanted)) return text;
  }
  throw new Error(`the output ended without ${JSON.stringify(wanted)}: ${JSON.stringify(text)}`);
}
