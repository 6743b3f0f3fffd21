// `lsh calendar`: the calendars that jobs of this machine name.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCommands, type Commands, type Wanted } from '../define.ts';

const VERBS: Commands = {
  add: async () => (await import('./calendar/change.ts')).addAdd,
  list: async () => (await import('./calendar/show.ts')).addList,
  show: async () => (await import('./calendar/show.ts')).addShow,
  remove: async () => (await import('./calendar/change.ts')).addRemove,
};

export async function addCalendar(program: Command, context: Context, below: Wanted): Promise<void> {
  const calendar = program
    .command('calendar')
    .helpCommand(false)
    .description('Calendars whose days jobs leave out, or are due on alone.');
  await addCommands(calendar, context, VERBS, below);
}
