// `lsh controller`: the operator’s process. An option overrides the environment variable of the same meaning.
import type { Command } from 'commander';
import { controllerOptions } from '../../config.ts';
import { KUBECONFIG_DESCRIPTION } from '../cluster-options.ts';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';

type Flags = Record<string, string | boolean | undefined>;

export function addController(program: Command, context: Context): void {
  const command = program
    .command('controller')
    .description('Run the operator for the LshJobs of a cluster, in the foreground.')
    .option('--kubeconfig <path>', KUBECONFIG_DESCRIPTION)
    .option('--context <name>', 'context of the kubeconfig');
  for (const { option, description, shownDefault, name } of controllerOptions()) {
    const otherwise = shownDefault === undefined ? '' : `; default ${shownDefault}`;
    command.option(option, `${phrase(description)} (${name}${otherwise})`);
  }
  command.action(async (flags: Flags) => {
    const { runController } = await import('../../processes/operator/controller.ts');
    const { kubeconfig, context: name } = flags as { kubeconfig?: string; context?: string };
    context.status = await runController({
      cluster: { kubeconfig, context: name },
      options: byVariable(flags),
    });
  });
  withExamples(
    command,
    ['lsh controller --kubeconfig ~/.kube/config --namespaces team-a', 'Run the jobs of one namespace'],
    ['lsh controller --shell in-process', 'Execute shell runs too, on a laptop'],
  );
}

/** A sentence of docs/configuration.md as the description of an option. */
function phrase(sentence: string): string {
  return sentence.replace(/\.$/, '').replace(/^[A-Z][a-z]*\b/, (word) => word.toLowerCase());
}

/** The values of the options by the variable that each overrides; an option without a value is `true`. */
function byVariable(flags: Flags): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { option, name } of controllerOptions()) {
    const value = flags[attribute(option)];
    if (value !== undefined) values[name] = String(value);
  }
  return values;
}

/** commander’s key of an option: `leaseDuration` for `--lease-duration <time>`. */
function attribute(option: string): string {
  return option
    .replace(/^--/, '')
    .replace(/ .*$/, '')
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
