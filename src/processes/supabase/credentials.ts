// Who lsh is in the configured Supabase project when it reads.
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import type { Project } from '../../stores/supabase/errors.ts';
import { Member } from '../../stores/supabase/session/member.ts';
import { SessionFile } from '../../stores/supabase/session/session-file.ts';
import { projectForWriting, teamOf } from './writer.ts';

export interface ProjectForReading extends Project {
  /** The team whose rows are asked for. */
  team: string;
}

/**
 * The project, as the service role reads it where its key is set, else as the member who has signed in. Throws
 * SUPABASE_NOT_CONFIGURED, ENVIRONMENT_INVALID without any key, and SUPABASE_SIGNED_OUT.
 */
export function projectForReading(config: Config): ProjectForReading {
  if (!readsAsMember(config)) return { ...projectForWriting(config), team: teamOf(config) };
  const member = configuredMember(config);
  return { ...member.project, team: teamOf({ team: config.team ?? member.session().team }) };
}

/** The member of the configured project, signed in or not. Throws SUPABASE_NOT_CONFIGURED. */
export function configuredMember(config: Config, now?: () => number): Member {
  const { supabaseUrl: url, supabaseAnonKey: anonKey } = config;
  if (url === undefined || anonKey === undefined) {
    const missing = [
      ...(url === undefined ? ['SUPABASE_URL'] : []),
      ...(anonKey === undefined ? ['SUPABASE_ANON_KEY'] : []),
    ];
    throw new LshError(
      'SUPABASE_NOT_CONFIGURED',
      { detail: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set` },
      {
        hint: 'A member signs in with the public key: set both from the project’s page Project Settings, API Keys.',
      },
    );
  }
  return new Member({ url, anonKey, file: new SessionFile(configDirectory(config), url), now });
}

/** Whether a member reads, and no key of the service role. */
export function readsAsMember({ supabaseServiceRoleKey, supabaseAnonKey }: Config): boolean {
  return supabaseServiceRoleKey === undefined && supabaseAnonKey !== undefined;
}

function configDirectory({ xdgConfigHome, home }: Config): string {
  if (xdgConfigHome !== undefined) return join(xdgConfigHome, 'lsh');
  if (home !== undefined) return join(home, '.config', 'lsh');
  throw new LshError('HOME_MISSING', {}, { hint: 'Set HOME, or XDG_CONFIG_HOME for the session.' });
}
