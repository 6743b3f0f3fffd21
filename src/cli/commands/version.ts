// `lsh version`: this program and the Node it runs on.
import type { Command } from 'commander';
import { VERSION } from '../../version.ts';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../output/format-option.ts';
import { print, printDocument } from '../output/print.ts';

export function addVersion(program: Command, { io }: Context): void {
  const command = program
    .command('version')
    .description('Print the version of lsh and of Node.')
    .addOption(formatOption('json', 'yaml'))
    .action(async ({ output }: { output?: Format }) => {
      const facts = {
        lsh: VERSION,
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
      };
      if (isDocumentFormat(output)) return printDocument(io, facts, output);
      print(io, `lsh ${facts.lsh} (Node ${facts.node}, ${facts.platform})`);
    });
  withExamples(command, ['lsh version -o json', 'For a bug report']);
}
