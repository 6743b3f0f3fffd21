// `lsh completion`: a shell script that asks `lsh __complete` for candidates.
import { Argument, type Command } from 'commander';
import type { Shell } from '../completion/scripts.ts';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';
import { printText } from '../output/print.ts';

const SHELLS = ['bash', 'zsh', 'fish'] satisfies Shell[];

export function addCompletion(program: Command, { io }: Context): void {
  const command = program
    .command('completion')
    .description('Print a script that completes commands, options and job names in your shell.')
    .addArgument(new Argument(`<${SHELLS.join('|')}>`).choices(SHELLS))
    .action(async (shell: Shell) => {
      const { SCRIPTS } = await import('../completion/scripts.ts');
      printText(io, SCRIPTS[shell]);
    });
  withExamples(
    command,
    ['echo \'eval "$(lsh completion bash)"\' >> ~/.bashrc', 'bash'],
    ['echo \'eval "$(lsh completion zsh)"\' >> ~/.zshrc', 'zsh (after compinit)'],
    ['lsh completion fish > ~/.config/fish/completions/lsh.fish', 'fish'],
  );
}
