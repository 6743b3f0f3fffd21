// What a shell evaluates for completion. The scripts name no command, so an installed one stays valid when commands change.

export type Shell = 'bash' | 'zsh' | 'fish';

export const SCRIPTS: Record<Shell, string> = {
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
};
