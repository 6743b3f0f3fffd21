// The end of children that nobody will come for: started by an earlier process, and no controller has told this
// one what to do with them. What they leave on disk stays, so that whoever comes later still learns their ends.
import { existsSync } from 'node:fs';
import { endGroup, signalGroup } from './process-group.ts';
import { fateOf, startDirectories } from './recovery.ts';
import type { RunFiles } from './run-files.ts';

/** Sends TERM to each of them, and KILL after the grace (milliseconds); `onStop` hears the name of each before. */
export async function endOrphans(
  files: RunFiles,
  graceMs: number,
  onStop: (run: string) => void,
): Promise<void> {
  if (!existsSync(files.runs)) return;
  const starts = [...startDirectories(files)];
  await Promise.all(
    starts.map(async ([run, directory]) => {
      const fate = await fateOf(directory, run, true);
      if (fate.state !== 'Alive') return;
      onStop(run);
      signalGroup(fate.pid, 'SIGTERM');
      await endGroup(fate.pid, graceMs, new AbortController().signal);
    }),
  );
}
