// The macros that are due at a start instead of a time: of the machine, or of the local daemon.

/** When each macro is due next, after "due at". */
const STARTS = {
  '@reboot': 'the next boot',
  '@daemon-start': 'the next daemon start',
} as const;

export type StartMacro = keyof typeof STARTS;
export const START_MACROS = Object.keys(STARTS) as StartMacro[];

/** The macro that the expression is; undefined for any other expression. */
export function startMacro(expression: string): StartMacro | undefined {
  const name = expression.trim().toLowerCase();
  return START_MACROS.find((macro) => macro === name);
}

/** `the next boot` for each such macro among the expressions. */
export function nextStarts(expressions: readonly string[]): string[] {
  return [...new Set(expressions.map(startMacro))].flatMap((macro) =>
    macro === undefined ? [] : [STARTS[macro]],
  );
}
