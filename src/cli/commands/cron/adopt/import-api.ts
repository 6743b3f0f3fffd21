// The jobs that an import compares and writes: those of the platform, or none where a dry run works offline.
import { loadConfig } from '../../../../config.ts';
import { LshError } from '../../../../core/errors.ts';
import { hostTimeZone } from '../../../../local/host-time-zone.ts';
import { commandSettings } from '../../../../processes/command-settings.ts';
import { platformOf, type Context } from '../../../context.ts';
import type { ImportApi } from '../../../input/offline-jobs.ts';
import { note, paintFor } from '../../../output/print.ts';
import { isDocumentsOnly, type ImportFlags } from './import-answer.ts';

/** Connects to the platform. A dry run falls back to an empty platform if no daemon runs. */
export async function importApi(
  context: Context,
  flags: ImportFlags,
  namespace?: string,
): Promise<ImportApi> {
  if (platformOf(context) === 'cluster') {
    return isDocumentsOnly(flags) ? offlineApi(context, 'cluster') : context.api(namespace);
  }
  const api = await context.api();
  if (!flags.dryRun) return api;
  try {
    await api.list({ tags: [] });
    return api;
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'DAEMON_NOT_RUNNING') throw error;
    const mark = paintFor(context.io.stderr)('warn', 'note:');
    note(context.io, `${mark} The daemon is not running; the answer is that of a daemon without jobs.`);
    return offlineApi(context, 'local');
  }
}

/** Checks jobs by the rules of the platform, without it. */
export async function offlineApi({ io }: Context, platform: 'local' | 'cluster'): Promise<ImportApi> {
  const { offlineJobs } = await import('../../../input/offline-jobs.ts');
  const config = loadConfig();
  const timeZone = platform === 'cluster' ? 'UTC' : hostTimeZone(config.tz);
  return offlineJobs({ platform, settings: commandSettings(config), timeZone, now: io.now });
}
