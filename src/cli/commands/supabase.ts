// `lsh supabase`: the verbs about the team's Supabase project.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addInit } from './supabase/init.ts';
import { addLogin, addLogout, addWhoami } from './supabase/session.ts';
import { addProjectStatus } from './supabase/status.ts';

export function addSupabase(program: Command, context: Context): void {
  const supabase = program
    .command('supabase')
    .helpCommand(false)
    .description('Set up and check the Supabase project that keeps the team’s history.');
  for (const add of [addInit, addProjectStatus, addLogin, addLogout, addWhoami]) add(supabase, context);
}
