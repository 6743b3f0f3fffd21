// The checks of the team's record. Each is a warning at most: jobs run all the same, and the outbox keeps what is to be written.
import { loadConfig } from '../../../config.ts';
import { toLshError } from '../../../core/errors.ts';
import type { DaemonStatus } from '../../../local/socket/protocol.ts';
import type { ProjectStatus } from '../../../processes/supabase/project.ts';
import { historyText } from '../../output/history-text.ts';
import { relative } from '../../output/when.ts';
import { problemsOf } from '../supabase/project-problems.ts';
import type { Check } from './check.ts';

/** What the daemon has still to write. */
export function historyCheck(history: NonNullable<DaemonStatus['history']>, now: number): Check {
  const { trouble } = history;
  const detail = historyText(history, now);
  if (trouble === undefined) return { name: 'history', result: 'ok', detail };
  return { name: 'history', result: 'warn', detail, hint: trouble.hint };
}

/** Key or session, answer, schema, rights and clock of the project that this environment names; none without a project. */
export async function projectChecks(now: () => number): Promise<Check[]> {
  if (loadConfig().supabaseUrl === undefined) return [];
  const name = 'supabase';
  try {
    const { configuredStatus } = await import('../../../processes/supabase/project.ts');
    const status = await configuredStatus(now);
    const problems = problemsOf(status).map(({ message, hint }): Check => ({
      name,
      result: 'warn',
      detail: message,
      hint,
    }));
    return problems.length > 0 ? problems : [{ name, result: 'ok', detail: projectText(status, now()) }];
  } catch (error) {
    const { message, hint } = toLshError(error);
    return [{ name, result: 'warn', detail: message, hint }];
  }
}

function projectText({ url, schema, key, isMember }: ProjectStatus, now: number): string {
  const { role = 'a secret key', email, expiresAt } = key;
  const who = isMember ? `member ${email ?? key.subject} reads` : `${role} reads and writes`;
  const end =
    expiresAt === undefined
      ? ''
      : `, until ${isMember ? 'the token is renewed ' : ''}${relative(expiresAt, now)}`;
  return `${url}, schema ${schema}, ${who}${end}`;
}
