// `lsh cron`: the verbs about jobs.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { withClusterOptions } from '../cluster-options.ts';
import { isRemoteVerb, withRemoteOption } from '../remote-options.ts';
import { addCommands, type Commands, type Wanted } from '../define.ts';

const VERBS: Commands = {
  add: async () => (await import('./cron/add.ts')).addAdd,
  at: async () => (await import('./cron/once/once.ts')).addAt,
  in: async () => (await import('./cron/once/once.ts')).addIn,
  list: async () => (await import('./cron/list.ts')).addList,
  get: async () => (await import('./cron/get.ts')).addGet,
  next: async () => (await import('./cron/next.ts')).addNext,
  history: async () => (await import('./cron/history.ts')).addHistory,
  logs: async () => (await import('./cron/logs.ts')).addLogs,
  report: async () => (await import('./cron/report.ts')).addReport,
  explain: async () => (await import('./cron/explain.ts')).addExplain,
  trigger: async () => (await import('./cron/trigger.ts')).addTrigger,
  backfill: async () => (await import('./cron/backfill.ts')).addBackfill,
  stop: async () => (await import('./cron/trigger.ts')).addStop,
  pause: async () => (await import('./cron/change.ts')).addPause,
  resume: async () => (await import('./cron/change.ts')).addResume,
  edit: async () => (await import('./cron/edit.ts')).addEdit,
  remove: async () => (await import('./cron/change.ts')).addRemove,
  validate: async () => (await import('./cron/validate.ts')).addValidate,
  templates: async () => (await import('./cron/adopt/template.ts')).addTemplates,
  'create-from-template': async () => (await import('./cron/adopt/template.ts')).addCreateFromTemplate,
  import: async () => (await import('./cron/adopt/import.ts')).addImport,
  export: async () => (await import('./cron/export.ts')).addExport,
  promote: async () => (await import('./cron/adopt/promote.ts')).addPromote,
  pull: async () => (await import('./cron/remote/pull.ts')).addPull,
};

export async function addCron(program: Command, context: Context, below: Wanted): Promise<void> {
  const cron = program
    .command('cron')
    .helpCommand(false)
    .description('Add, inspect and change scheduled jobs.');
  withClusterOptions(cron, context);
  withRemoteOption(cron, context);
  cron.configureHelp({
    ...cron.configureHelp(),
    showGlobalOptions: true,
    visibleGlobalOptions: (command) =>
      command === cron ? [] : cron.options.filter(({ long }) => long !== '--remote' || isRemoteVerb(command)),
  });
  await addCommands(cron, context, VERBS, below);
}
