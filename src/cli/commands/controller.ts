// `lsh controller`: the operator’s process. Its options stand above the variables of the same meaning.
import type { Command } from 'commander';
import { controllerOptions } from '../../config.ts';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';

type Given = Record<string, string | boolean | undefined>;

export function addController(program: Command, context: Context): void {
  const command = program
    .command('controller')
    .description('Run the operator that carries out the LshJobs of a cluster, in the foreground.')
    .option(
      '--kubeconfig <path>',
      'kubeconfig; default: KUBECONFIG, ~/.kube/config, or the pod’s own account',
    )
    .option('--context <name>', 'context of it');
  for (const { option, description, shownDefault, name } of controllerOptions()) {
    const otherwise = shownDefault === undefined ? '' : `; default ${shownDefault}`;
    command.option(option, `${description.replace(/\.$/, '')} (${name}${otherwise})`);
  }
  command.action(async (given: Given) => {
    const { runController } = await import('../../processes/operator/controller.ts');
    const { kubeconfig, context: name } = given as { kubeconfig?: string; context?: string };
    context.status = await runController({
      cluster: { kubeconfig, context: name },
      options: byVariable(given),
    });
  });
  withExamples(
    command,
    ['lsh controller --kubeconfig ~/.kube/config --namespaces team-a', 'For the jobs of one namespace'],
    ['lsh controller --shell in-process', 'With shell runs, on a laptop'],
  );
}

/** What was given, by the variable that it stands above; an option without its value is true. */
function byVariable(given: Given): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { option, name } of controllerOptions()) {
    const value = given[attribute(option)];
    if (value !== undefined) values[name] = String(value);
  }
  return values;
}

/** commander’s name of an option: `--lease-duration <time>` is leaseDuration. */
function attribute(option: string): string {
  return option
    .replace(/^--/, '')
    .replace(/ .*$/, '')
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
