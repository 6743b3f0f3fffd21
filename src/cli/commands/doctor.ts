// `lsh doctor`: checks what lsh needs on this machine, and prints a hint for each failure.
import type { Command } from 'commander';
import { EXIT } from '../../core/errors.ts';
import { oneLine } from '../../core/printable.ts';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../output/format-option.ts';
import { paintFor, print, printDocument } from '../output/print.ts';
import { counted, pad } from '../output/text.ts';
import type { Check } from './doctor/check.ts';

const MARKS = { ok: ['ok', 'good'], warn: ['warn', 'warn'], fail: ['FAIL', 'bad'] } as const;

async function doctor(context: Context, { output }: { output?: Format }): Promise<void> {
  const { allChecks } = await import('./doctor/checks.ts');
  const checks = await allChecks(context.io);
  if (checks.some(({ result }) => result === 'fail')) context.status = EXIT.failure;
  if (isDocumentFormat(output)) return printDocument(context.io, checks, output);
  printChecks(context, checks);
}

function printChecks({ io }: Context, checks: Check[]): void {
  const paint = paintFor(io.stdout);
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, result, detail, hint } of checks) {
    const [word, style] = MARKS[result];
    print(io, `${paint(style, pad(word, 4))}  ${pad(name, width)}  ${oneLine(detail)}`);
    if (hint !== undefined && result !== 'ok') print(io, `${' '.repeat(width + 8)}hint: ${oneLine(hint)}`);
  }
  const [style, verdict] = verdictOn(checks);
  print(io, '', paint(style, verdict));
}

function verdictOn(checks: Check[]) {
  const count = (wanted: Check['result']) => checks.filter(({ result }) => result === wanted).length;
  const [failed, warnings] = [count('fail'), count('warn')];
  const warned = warnings === 0 ? '' : counted(warnings, 'warning');
  if (failed > 0) {
    const rest = warned && `, with ${warned}`;
    return ['bad', `${failed} of ${checks.length} checks failed${rest}.`] as const;
  }
  return warned === ''
    ? (['good', 'All is well.'] as const)
    : (['warn', `No check failed, with ${warned}.`] as const);
}

export function addDoctor(program: Command, context: Context): void {
  const command = program
    .command('doctor')
    .description(
      'Check Node, files, daemon, store, environment, clock, the team’s record, and the secrets of the project in this directory. Exits with 1 if a check fails.',
    )
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { output?: Format }) => doctor(context, flags));
  withExamples(
    command,
    ['lsh doctor', 'Show what is wrong, and how to fix it'],
    ['lsh doctor -o json | jq \'.[] | select(.result != "ok")\'', 'Show only warnings and failures'],
  );
}
