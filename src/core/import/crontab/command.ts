// Converts the command of a crontab line: an unescaped percent sign ends the command and begins its input.

/** The command as a shell script, with its input as a here-document. */
export function convertCommand(written: string): string {
  const [command = '', ...input] = splitAtPercent(written);
  if (input.length === 0) return command;
  const delimiter = freeDelimiter(input);
  return `{\n${command}\n} <<'${delimiter}'\n${input.join('\n')}\n${delimiter}`;
}

function splitAtPercent(text: string): string[] {
  return text.split(/(?<!\\)%/).map((part) => part.replaceAll(String.raw`\%`, '%'));
}

/** A delimiter that equals no line of the input. */
function freeDelimiter(lines: readonly string[]): string {
  let delimiter = 'END_OF_INPUT';
  while (lines.includes(delimiter)) delimiter += '_';
  return delimiter;
}
