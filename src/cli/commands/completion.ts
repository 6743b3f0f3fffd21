// `lsh completion`: a shell script that asks `lsh __complete` for candidates. The scripts name no command, so an
// installed script stays valid when commands change.
import { Argument, type Command } from 'commander';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';
import { printText } from '../output/print.ts';

const SCRIPTS = {
  bash: `_lsh() {
  local line IFS=$'\\n'
  COMPREPLY=()
  for line in $(lsh __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done
}
complete -o default -F _lsh lsh
`,
  zsh: `#compdef lsh
_lsh() {
  local line
  local -a found
  for line in "\${(@f)$(lsh __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#found )); then _describe lsh found; else _files; fi
}
compdef _lsh lsh
`,
  fish: `function __lsh_complete
  set -l found (lsh __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c lsh -f -a '(__lsh_complete)'
`,
} as const;

export function addCompletion(program: Command, { io }: Context): void {
  const command = program
    .command('completion')
    .description('Print a script that completes commands, options and job names in your shell.')
    .addArgument(new Argument(`<${Object.keys(SCRIPTS).join('|')}>`).choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => printText(io, SCRIPTS[shell]));
  withExamples(
    command,
    ['echo \'eval "$(lsh completion bash)"\' >> ~/.bashrc', 'bash'],
    ['echo \'eval "$(lsh completion zsh)"\' >> ~/.zshrc', 'zsh (after compinit)'],
    ['lsh completion fish > ~/.config/fish/completions/lsh.fish', 'fish'],
  );
}
