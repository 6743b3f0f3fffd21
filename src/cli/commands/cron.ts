// `lsh cron`: the verbs about jobs.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { withClusterOptions } from '../cluster-options.ts';
import { isRemoteVerb, withRemoteOption } from '../remote-options.ts';
import { addAdd } from './cron/add.ts';
import { addPause, addRemove, addResume } from './cron/change.ts';
import { addEdit } from './cron/edit.ts';
import { addExplain } from './cron/explain.ts';
import { addExport } from './cron/export.ts';
import { addGet } from './cron/get.ts';
import { addHistory } from './cron/history.ts';
import { addImport } from './cron/adopt/import.ts';
import { addList } from './cron/list.ts';
import { addLogs } from './cron/logs.ts';
import { addNext } from './cron/next.ts';
import { addPromote } from './cron/adopt/promote.ts';
import { addPull } from './cron/remote/pull.ts';
import { addReport } from './cron/report.ts';
import { addCreateFromTemplate, addTemplates } from './cron/adopt/template.ts';
import { addStop, addTrigger } from './cron/trigger.ts';
import { addValidate } from './cron/validate.ts';

type AddVerb = (cron: Command, context: Context) => void;

const VERBS: Record<string, AddVerb> = {
  add: addAdd,
  list: addList,
  get: addGet,
  next: addNext,
  history: addHistory,
  logs: addLogs,
  report: addReport,
  explain: addExplain,
  trigger: addTrigger,
  stop: addStop,
  pause: addPause,
  resume: addResume,
  edit: addEdit,
  remove: addRemove,
  validate: addValidate,
  templates: addTemplates,
  'create-from-template': addCreateFromTemplate,
  import: addImport,
  export: addExport,
  promote: addPromote,
  pull: addPull,
};

/** Adds the group with the named verb alone, or with every verb if no verb has that name. */
export function addCron(program: Command, context: Context, verb?: string): void {
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
  const called = verb !== undefined && Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  for (const add of called ? [called] : Object.values(VERBS)) add(cron, context);
}
