// Programs that run the code in their arguments or input: shells, and interpreters of other languages.

export const SHELLS = new Set('sh bash dash zsh ksh mksh ash fish csh tcsh rbash'.split(' '));

const INTERPRETERS =
  /^(python[\d.]*|pypy3?|perl[\d.]*|ruby[\d.]*|node|nodejs|deno|bun|php[\d.]*|lua[\d.]*|tclsh|Rscript|osascript|pwsh)$/;

/** Whether the program runs code in a language of its own. */
export function isInterpreter(program: string): boolean {
  return INTERPRETERS.test(program);
}

/** Calls in such code that pass a text to a shell or start a program. */
const STARTS_PROGRAMS =
  /\b(system|getline|do shell script|popen|exec\w*|spawn\w*|subprocess|shell_exec|passthru|qx|call)\b|`/;
const MAX_STRINGS = 64;

/** String literals in the code of an interpreter or of awk. */
export function stringsInCode(code: string): string[] {
  const literals: string[] = [];
  for (const [, double, single, back] of code.matchAll(
    /"([^"]{1,1000})"|'([^']{1,1000})'|`([^`]{1,1000})`/g,
  )) {
    if (literals.push(double ?? single ?? back ?? '') >= MAX_STRINGS) break;
  }
  return literals;
}

/** String literals that the code may run as commands: each alone, and all joined. */
export function commandsInCode(code: string): string[] {
  if (!STARTS_PROGRAMS.test(code)) return [];
  const texts = stringsInCode(code);
  return texts.length > 1 ? [...texts, texts.join(' ')] : texts;
}
