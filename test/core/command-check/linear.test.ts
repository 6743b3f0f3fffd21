// The work of a check is linear in the length of the command, and bounded. A quadratic rule would let one job stop the
// scheduler for all.
import { expect, test } from 'vitest';
import { checkCommand } from '../../../src/core/command-check/command-check.ts';
import { KUBE_COMMAND_MAX_LENGTH } from '../../../src/core/spec/blocks.ts';

const SMALL = 2048;
const DOUBLINGS = 3;
/** Twice the input takes at most this much more; quadratic work takes four times as much. */
const PER_DOUBLING = 2.5;
/** Shorter times are noise. */
const SHORTEST_MS = 1;

/** A text that grows in one place: `before`, the unit repeated, `after`. */
type Shape = string | { before?: string; unit: string; after?: string };

const VALUE = 'while '.repeat(40);

const SHAPES: Shape[] = [
  // Nesting
  '$(',
  '`',
  '((',
  '$((',
  '"$(',
  '<(',
  '{ ',
  'if ',
  '${a:-',
  "sh -c '",
  'eval ',
  'sudo ',
  '`a`',
  '$(a)',
  '$((1))',
  { unit: '$((', after: '))' },
  { unit: '`\\`\\\\\\`' },
  // Words, quotes, backslashes
  'a',
  "\\'",
  '\\\\',
  `''""`,
  String.raw`$'\x41'`,
  '[',
  'a ',
  '"a" ',
  { before: 'a', unit: ' ', after: 'b' },
  { before: "rm -rf '", unit: '${', after: "'" },
  { before: 'rm -rf /', unit: '*', after: '/x' },
  { before: 'rm -rf /', unit: '[' },
  { before: 'rm -rf ', unit: '/.ssh' },
  { before: 'rm -rf ', unit: '../a/' },
  { before: 'rm -rf ', unit: 'a ' },
  { before: 'cat ', unit: '=@' },
  { before: 'x -', unit: 'key', after: '! b' },
  { before: 'chmod ', unit: 'a', after: '=x b' },
  // Braces
  ...['{a,b}', '{a,b} ', '{a,', '${a-x}'].map((unit) => ({ before: 'rm -rf ', unit })),
  { before: 'rm -rf ', unit: '{' },
  { before: 'rm -rf {', unit: ',' },
  { before: 'x "${a-', unit: '$' },
  // Variables
  'A=$A$A;',
  'A+=a;',
  'export a=b;',
  'A=b;(a);',
  "A+=('');x $A;",
  { before: `A='${VALUE}'; `, unit: 'x $A;' },
  { before: `A='${VALUE}'; perl -e "`, unit: '$A', after: '"' },
  { before: `A='${VALUE}'; B="`, unit: '$A', after: '"; perl -e "$B"' },
  { before: `cd ${'a'.repeat(1000)}; x `, unit: '$PWD' },
  { before: `A=(${'a '.repeat(60)}); `, unit: 'x "${A[@]}";' },
  { before: 'for a in ', unit: 'x ', after: '; do b $a $a; done' },
  { before: 'read ', unit: 'a ', after: '<<< b' },
  // Segments
  'a;',
  'a|',
  'echo a|',
  'echo x|sh|',
  'cd a;rm -rf b;',
  'f(){ f|f&};',
  'if a;then b;fi;',
  'a >b;',
  'ssh a b;',
  { before: 'f(){ a; };', unit: 'f;' },
  { before: 'f(){ g;g; };g(){ h;h; };h(){ a; };', unit: 'f x;' },
  { unit: 'case a in b) c;; esac;' },
  { unit: 'curl -o a b;sh a;' },
  { before: 'a ', unit: '>b ' },
  // Here-documents
  '<<E ',
  '<<E\n',
  '<<-E\n\t',
  'cat <<E\nx\nE\n',
  { before: 'sh <<E\n', unit: 'a\n', after: 'E\n' },
  // find, xargs, docker
  { before: 'find ', unit: '-exec ' },
  { before: 'find . ', unit: '-exec rm {} \\; ' },
  { before: `echo ${'a '.repeat(60)}| { `, unit: 'xargs x;', after: '}' },
  { before: `echo ${'a '.repeat(60)}| xargs -I{} x `, unit: '{} ' },
  { before: 'cat <<E | { ', unit: 'xargs x;', after: `}\n${' '.repeat(900)}\nE\n` },
  { before: 'cat <<E | { ', unit: 'read a;', after: `}\n${'a'.repeat(900)}\nE\n` },
  { before: 'cat <<E | { ', unit: 'python3;', after: `}\n${'a '.repeat(450)}\nE\n` },
  { before: 'docker run ', unit: '-e ' },
  // Code of interpreters
  { before: "perl -e '", unit: 'while ', after: "'" },
  { before: "perl -e 'fork", unit: ' ', after: "x'" },
  { before: "python3 -c 'rmtree", unit: '(', after: "x'" },
  { before: `python3 -c 'a="b";`, unit: 'rmtree(a);', after: "'" },
  { before: "awk 'BEGIN{system(", unit: '"a"', after: ")}'" },
  { unit: `python3 -c "system('a')";` },
  // Hidden text
  { before: 'echo ', unit: '👨‍👩‍👧' },
  { before: 'echo ', unit: '\u200D' },
  { before: 'echo ', unit: 'ا\u200C' },
];

/** Shapes that multiply: a body by its calls, a text by its readers, words by their places. */
const EXPENSIVE: Shape[] = [
  'eval ',
  'echo x|sh|',
  { before: 'f(){ g;g; };g(){ h;h; };h(){ a;a; };', unit: 'f x;' },
  { before: 'find ', unit: '-exec ' },
  { before: `cat <<E | { ${'sh;'.repeat(10_000)} }\n`, unit: 'a\n', after: 'E\n' },
  { before: `cat <<E | { ${'python3;'.repeat(8000)} }\n`, unit: 'a ', after: '\nE\n' },
  { before: `cat <<E | { ${'xargs x;'.repeat(8000)} }\n`, unit: ' ', after: '\nE\n' },
  { before: `echo ${'a '.repeat(60)}| xargs -I{} x `, unit: '{} ' },
  { before: `f(){ ${'a;'.repeat(20_000)} };`, unit: 'f;' },
  { before: `A=(${'a '.repeat(60)}); `, unit: 'x "${A[@]}" "${A[@]}";' },
];

/** The units take up `length` characters; the fixed parts come in addition, so that they do not change the ratio. */
function build(shape: Shape, length: number): string {
  const { before = '', unit, after = '' } = partsOf(shape);
  return `${before}${unit.repeat(Math.max(1, Math.floor(length / unit.length)))}${after}`;
}

function longest(shape: Shape): string {
  const { before = '', after = '' } = partsOf(shape);
  return build(shape, KUBE_COMMAND_MAX_LENGTH - before.length - after.length);
}

function partsOf(shape: Shape): Exclude<Shape, string> {
  return typeof shape === 'string' ? { unit: shape } : shape;
}

/** CPU time, so that other processes do not matter; the shortest of several, so that a collection does not. */
function costMs(command: string): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    checkCommand({ command });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.max(SHORTEST_MS, Math.min(...times));
}

function named(shapes: readonly Shape[]): [string, Shape][] {
  return shapes.map((shape) => [JSON.stringify(shape).slice(0, 80), shape]);
}

/** The least of several ratios: a busy machine makes single ones larger, and no noise makes quadratic work linear. */
function growth(shape: Shape, limit: number): number {
  let least = Infinity;
  for (let attempt = 0; attempt < 3 && least > limit; attempt++) {
    const small = costMs(build(shape, SMALL));
    least = Math.min(least, costMs(build(shape, SMALL * 2 ** DOUBLINGS)) / small);
  }
  return least;
}

test.each(named(SHAPES))('twice the input takes at most 2.5 times as long: %s', (_, shape) => {
  const limit = PER_DOUBLING ** DOUBLINGS;
  expect(growth(shape, limit)).toBeLessThanOrEqual(limit);
});

test.each(named(EXPENSIVE))('the most expensive shapes end at the maximum length: %s', (_, shape) => {
  const before = process.cpuUsage();
  checkCommand({ command: longest(shape) });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(10_000);
});

test('a command that expands without end is refused, with the reason and the same verdict each time', () => {
  const command = `A='${VALUE}'; ${'echo "$A$A$A$A";'.repeat(500)}`;
  const verdict = checkCommand({ command });
  expect(verdict).toMatchObject({ allowed: false, level: 'high' });
  expect(verdict.findings).toMatchObject([
    { rule: 'too-much-work', message: expect.stringContaining('expands to more text') },
  ]);
  expect(checkCommand({ command })).toEqual(verdict);
});

test('a long script of ordinary commands stays within the budget', () => {
  const line = 'for f in /srv/data/*.csv; do gzip -9 "$f" && mv "$f.gz" "/backup/$(date +%F)/"; done\n';
  const command = line.repeat(Math.floor(KUBE_COMMAND_MAX_LENGTH / line.length));
  expect(checkCommand({ command })).toMatchObject({ allowed: true, level: 'none' });
});
