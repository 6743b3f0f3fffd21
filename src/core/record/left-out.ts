// The line in a log that stands in place of output.

/** Stands in place of output that was not kept. */
export function leftOut(bytes: number): string {
  return `\n[lsh: ${bytes} bytes left out]\n`;
}
