// `lsh supabase`: the verbs about the team's Supabase project.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCommands, type Commands, type Wanted } from '../define.ts';

const VERBS: Commands = {
  init: async () => (await import('./supabase/init.ts')).addInit,
  status: async () => (await import('./supabase/status.ts')).addProjectStatus,
  login: async () => (await import('./supabase/session.ts')).addLogin,
  logout: async () => (await import('./supabase/session.ts')).addLogout,
  whoami: async () => (await import('./supabase/session.ts')).addWhoami,
};

export async function addSupabase(program: Command, context: Context, below: Wanted): Promise<void> {
  const supabase = program
    .command('supabase')
    .helpCommand(false)
    .description('Set up and check the Supabase project that keeps the team’s history.');
  await addCommands(supabase, context, VERBS, below);
}
