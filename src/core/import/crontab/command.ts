// The command part of a crontab line, where an unescaped percent sign ends the command and begins its input.

/** The command as a shell script; its input, when it has one, as a here-document. */
export function readCommand(written: string): string {
  const [command = '', ...input] = splitAtPercent(written);
  if (input.length === 0) return command;
  const delimiter = freeDelimiter(input);
  return `{\n${command}\n} <<'${delimiter}'\n${input.join('\n')}\n${delimiter}`;
}

function splitAtPercent(text: string): string[] {
  return text.split(/(?<!\\)%/).map((part) => part.replaceAll(String.raw`\%`, '%'));
}

/** A line that the input does not have. */
function freeDelimiter(lines: readonly string[]): string {
  let delimiter = 'END_OF_INPUT';
  while (lines.includes(delimiter)) delimiter += '_';
  return delimiter;
}
