// `lsh secrets rotate`: replaces the value of a variable by a new one that is known to work. Needs no terminal.
import type { Command } from 'commander';
import type { Rotated } from '../../../processes/secrets/rotation/rotate.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { parseSeconds } from '../../input/flags.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../output/print.ts';
import { calendar } from '../../output/when.ts';
import { openHere } from './open.ts';
import { withEnvironment, type EnvironmentFlags } from './options.ts';

interface RotateFlags extends EnvironmentFlags {
  generate: string;
  verify: string;
  retire?: string;
  overlap: string;
  every?: string;
  output?: Format;
}

async function rotate(context: Context, key: string, flags: RotateFlags): Promise<void> {
  const { generate, verify, retire, overlap, every } = flags;
  const options = {
    generate,
    verify,
    retire,
    overlapMs: parseSeconds(overlap, '--overlap') * 1000,
    everyMs: every === undefined ? undefined : parseSeconds(every, '--every') * 1000,
  };
  const { rotate: rotateVariable } = await import('../../../processes/secrets/rotation/rotate.ts');
  const place = { environment: flags.env, key };
  const rotated = await rotateVariable(await openHere(context), place, options, context.io.now);
  if (isDocumentFormat(flags.output)) return printDocument(context.io, rotated, flags.output);
  tell(context, rotated);
}

function tell({ io }: Context, { project, environment, key, result, version, previousUntil }: Rotated): void {
  const paint = paintFor(io.stdout);
  const said = {
    rotated: `${paint('good', `version ${version}`)} has a new value of ${key}`,
    retired: `${paint('good', `version ${version}`)} has no ${key}_PREVIOUS any more; ${key} is not due`,
    waiting: `the last rotation of ${key} is not over`,
    young: `${key} is not due`,
  }[result];
  print(io, `${project} ${environment}: ${said}`);
  if (previousUntil !== undefined)
    print(io, `  ${key}_PREVIOUS keeps the value before until ${calendar(Date.parse(previousUntil))}`);
}

export function addRotate(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('rotate').argument('<key>', 'name of the variable'))
    .description(
      'Replace the value of a variable: generate a new one, verify it, use it in place of the old one, retire the old one. A failed verification rolls back. After a crash the same call continues. The commands get the variables of the environment and run in sh.',
    )
    .requiredOption('--generate <command>', 'prints a new value to stdout; finds the old one in the variable')
    .requiredOption('--verify <command>', 'succeeds if the new value, which it finds in the variable, works')
    .option('--retire <command>', 'revokes the value that it finds in KEY_PREVIOUS')
    .option(
      '--overlap <duration>',
      'keep the old value in KEY_PREVIOUS for this long; a later call then retires it',
      '0s',
    )
    .option('--every <duration>', 'do nothing while the value is younger, as for a job that runs each night')
    .addOption(formatOption('json', 'yaml'))
    .action((key: string, flags: RotateFlags) => rotate(context, key, flags));
  withExamples(
    command,
    [
      "lsh secrets rotate TOKEN --env prod --generate 'openssl rand -hex 32' --verify ./check-token",
      'Replace a value that the application makes up itself',
    ],
    [
      'lsh secrets rotate API_KEY --env prod --generate ./new-key --verify ./use-key --retire ./revoke-key --overlap 24h',
      'Create a key at a provider, and revoke the old one a day later',
    ],
  );
}
