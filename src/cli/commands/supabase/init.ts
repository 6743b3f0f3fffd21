// `lsh supabase init`: makes the tables of the team's history, or brings them up to date.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { note, print, printText } from '../../output/print.ts';
import { counted } from '../../output/text.ts';

const UP_TO_DATE = 'the schema is up to date';

async function init({ io }: Context, { dryRun }: { dryRun?: boolean }): Promise<void> {
  const { applyMigrations, pendingMigrations } = await import('../../../processes/supabase/project.ts');
  if (dryRun) {
    const { pending, isAsked } = await pendingMigrations();
    if (pending.length === 0) return note(io, UP_TO_DATE);
    note(
      io,
      isAsked
        ? `the database lacks ${counted(pending.length, 'migration')}; nothing was changed`
        : 'SUPABASE_DB_URL is not set: these are all migrations, and those that a database has change nothing there',
    );
    return printText(
      io,
      pending.map(({ version, name, sql }) => `-- ${version} ${name}\n\n${sql}`).join('\n'),
    );
  }
  let applied = 0;
  await applyMigrations(({ version, name }) => {
    applied += 1;
    print(io, `applied ${version} ${name}`);
  });
  print(io, UP_TO_DATE);
  if (applied > 0) note(io, 'lsh supabase status shows whether lsh may write there');
}

export function addInit(supabase: Command, context: Context): void {
  const command = supabase
    .command('init')
    .description(
      'Make the tables of the team’s history in the database of SUPABASE_DB_URL, or bring them up to date. Rows stay; a second time it changes nothing.',
    )
    .option('--dry-run', 'print the SQL statements instead; without SUPABASE_DB_URL, all of them')
    .action((flags: { dryRun?: boolean }) => init(context, flags));
  withExamples(
    command,
    ['lsh supabase init', 'Apply what the database lacks'],
    ['lsh supabase init --dry-run > lsh.sql', 'For the project’s SQL editor, or for a review'],
  );
}
