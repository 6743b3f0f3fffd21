// Derives a job name from the program that a command runs: stable, readable, a DNS label.
import { parseScript } from '../../command-check/shell/parse.ts';
import { baseName } from '../../command-check/paths.ts';
import type { Script } from '../../command-check/shell/script.ts';
import { unwrap } from '../../command-check/unwrap.ts';
import { toName } from '../../dns-label.ts';

/** Programs that prepare the work of the next command. */
const SETUP_PROGRAMS = new Set(
  'cd command test [ [[ . source export set umask true : sleep mkdir ulimit exec'.split(' '),
);
/** Programs whose argument names the work: `php artisan`. */
const GENERIC_PROGRAM =
  /^(sh|bash|zsh|dash|python[\d.]*|perl|ruby|node|php[\d.]*|java|docker|podman|git|npm|npx|make|systemctl|service|kubectl|curl|wget|run-parts|find|lsh|certbot|artisan|rake|bundle)$/;
/** Leaves room for a number that makes the name unique. */
export const BASE_NAME_MAX_LENGTH = 56;

/** The name of the command’s first program; `job` if it names none. */
export function nameOfCommand(command: string): string {
  const words = firstProgram(parseScript(command).script) ?? [];
  const [program = '', ...args] = words;
  const parts = [withoutExtension(baseName(program))];
  for (const operand of args.filter((arg) => /^[\w./:]/.test(arg)).slice(0, 2)) {
    if (!GENERIC_PROGRAM.test(parts.at(-1)!)) break;
    parts.push(withoutExtension(baseName(operand.replace(/\/+$/, ''))));
  }
  return toName(parts.join('-'), BASE_NAME_MAX_LENGTH) || 'job';
}

function firstProgram(script: Script): string[] | undefined {
  for (const command of script.flatMap(({ commands }) => commands)) {
    const words =
      command.kind === 'group'
        ? firstProgram(command.body)
        : unwrap(command.words.map(({ text }) => text)).words;
    if (words?.[0] !== undefined && !SETUP_PROGRAMS.has(baseName(words[0]))) return words;
  }
  return undefined;
}

function withoutExtension(name: string): string {
  return name.replace(/\.(sh|bash|py|pl|rb|js|mjs|ts|php|jar)$/, '');
}

/** Makes names unique: a name that is taken gets a number. The function marks nothing as taken. */
export function uniqueNames(taken: { has(name: string): boolean }): (name: string) => string {
  const next = new Map<string, number>();
  return (name) => {
    if (!taken.has(name)) return name;
    let number = next.get(name) ?? 2;
    while (taken.has(`${name}-${number}`)) number++;
    next.set(name, number);
    return `${name}-${number}`;
  };
}
