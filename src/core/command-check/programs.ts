// Programs that run the code in their arguments or input: shells, and interpreters of other languages.

export const SHELLS = new Set('sh bash dash zsh ksh mksh ash fish csh tcsh rbash'.split(' '));

const INTERPRETERS =
  /^(python[\d.]*|pypy3?|perl|ruby|node|nodejs|deno|bun|php|lua|tclsh|Rscript|osascript|pwsh)$/;

/** Whether the program runs code in a language of its own. */
export function isInterpreter(program: string): boolean {
  return INTERPRETERS.test(program);
}

/** Calls in such code that pass a text to a shell or start a program. */
const STARTS_PROGRAMS = /\b(system|popen|exec\w*|spawn\w*|subprocess|shell_exec|passthru|qx|call)\b|`/;

/** String literals in the code of an interpreter or of awk that it may run as commands: each alone, and all joined. */
export function commandsInCode(program: string, args: readonly string[]): string[] {
  if (!isInterpreter(program) && !/^[gm]?awk$/.test(program)) return [];
  const code = args.join(' ');
  if (!STARTS_PROGRAMS.test(code)) return [];
  const texts = [...code.matchAll(/"([^"]{2,1000})"|'([^']{2,1000})'|`([^`]{2,1000})`|"(\/)"|'(\/)'/g)]
    .map((match) => match.slice(1).find((text) => text !== undefined) ?? '')
    .slice(0, 64);
  return texts.length > 1 ? [...texts, texts.join(' ')] : texts;
}
