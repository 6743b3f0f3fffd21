// `lsh secrets history`, `rollback`, `audit` and `trust`: the versions of an environment, and who did what.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, print, printDocument, printTable } from '../../output/print.ts';
import { relative } from '../../output/when.ts';
import { openHere } from './open.ts';
import { versionNumber, withEnvironment, type EnvironmentFlags } from './options.ts';
import { printChanged } from './set.ts';

interface VersionFlags extends EnvironmentFlags {
  number?: string;
  output?: Format;
}

const SHORT = 12;

async function history(context: Context, { env, output }: VersionFlags): Promise<void> {
  const { io } = context;
  const { historyOf } = await import('../../../processes/secrets/look.ts');
  const versions = await historyOf(await openHere(context), env);
  if (isDocumentFormat(output)) {
    const shown = versions.map((each) => ({ ...each, createdAt: new Date(each.createdAt).toISOString() }));
    return printDocument(io, shown, output);
  }
  printTable(
    io,
    ['VERSION', 'AGE', 'AUTHOR', 'HASH', 'FOLLOWS'],
    versions.map(({ version, hash, parents, author, createdAt }) => [
      String(version),
      relative(createdAt, io.now()),
      author,
      hash.slice(0, SHORT),
      parents.map((parent) => parent.slice(0, SHORT)).join(' '),
    ]),
  );
}

export function addHistory(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('history'))
    .description('List the versions of an environment, newest first. Needs no key.')
    .addOption(formatOption('json', 'yaml'))
    .action((flags: VersionFlags) => history(context, flags));
  withExamples(command, ['lsh secrets history --env prod', 'Who stored which version, and when']);
}

async function rollback(context: Context, word: string, { env, output }: VersionFlags): Promise<void> {
  const version = versionNumber(word);
  if (Number.isNaN(version)) throw usage('A version is a number, as `lsh secrets history` shows it.');
  const { rollback: rollBack } = await import('../../../processes/secrets/change.ts');
  await printChanged(context, await rollBack(await openHere(context), env, version), output);
}

export function addRollback(secrets: Command, context: Context): void {
  const command = withEnvironment(
    secrets.command('rollback').argument('<version>', 'number of an older version'),
  )
    .description('Store the variables of an older version as the newest. Nothing is deleted.')
    .addOption(formatOption('json', 'yaml'))
    .action((word: string, flags: VersionFlags) => rollback(context, word, flags));
  withExamples(command, ['lsh secrets rollback --env prod 3', 'Make version 3 the newest again']);
}

const AUDIT_DEFAULT = 50;

async function audit(context: Context, { env, number, output }: VersionFlags): Promise<void> {
  const { io } = context;
  const limit = number === undefined ? AUDIT_DEFAULT : Number(number);
  if (!Number.isSafeInteger(limit) || limit < 1) throw usage('--number must be a whole number from 1.');
  const { auditOf } = await import('../../../processes/secrets/look.ts');
  const entries = await auditOf(await openHere(context), env, limit);
  if (isDocumentFormat(output)) {
    const shown = entries.map((each) => ({ ...each, at: new Date(each.at).toISOString() }));
    return printDocument(io, shown, output);
  }
  printTable(
    io,
    ['AGE', 'ACTION', 'VERSION', 'ACTOR', 'DETAIL'],
    entries.map(({ at, action, version, actor, detail }) => [
      relative(at, io.now()),
      action,
      String(version ?? ''),
      actor,
      detail ?? '',
    ]),
  );
}

export function addAudit(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('audit'))
    .description(
      'List who did what with an environment, newest first. The store keeps it, and names no variable.',
    )
    .option('-n, --number <count>', `number of entries (default: ${AUDIT_DEFAULT})`)
    .addOption(formatOption('json', 'yaml'))
    .action((flags: VersionFlags) => audit(context, flags));
  withExamples(command, ['lsh secrets audit --env prod', 'Who pushed and pulled']);
}

async function trust(context: Context, { env }: VersionFlags): Promise<void> {
  const secrets = await openHere(context);
  secrets.seen(env).forget();
  print(context.io, `forgot which version of ${secrets.project.id} ${env} was the newest`);
  note(context.io, 'The next command believes the version that the store names as the newest.');
}

export function addTrust(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('trust'))
    .description(
      'Accept the newest version of the store although this machine has seen a newer one: after the store was restored from a backup.',
    )
    .action((flags: VersionFlags) => trust(context, flags));
  withExamples(command, ['lsh secrets trust --env prod', 'After the restore of a backup']);
}
