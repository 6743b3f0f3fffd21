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

/** The name, with a number behind it if it is taken. */
export function uniqueName(name: string, taken: { has(name: string): boolean }): string {
  let unique = name;
  for (let number = 2; taken.has(unique); number++) unique = `${name}-${number}`;
  return unique;
}
