// A name for a command, made from what it runs: stable, readable, a DNS label.
import { parseScript } from '../../command-check/parse.ts';
import { baseName } from '../../command-check/paths.ts';
import type { Script } from '../../command-check/script.ts';
import { unwrap } from '../../command-check/unwrap.ts';
import { toName } from '../../dns-label.ts';

/** Programs that prepare and are not what the job is about. */
const PREPARES = new Set('cd test [ [[ . source export set umask true : sleep mkdir ulimit exec'.split(' '));
/** Programs that say little without their first argument. */
const SAYS_LITTLE =
  /^(sh|bash|zsh|dash|python[\d.]*|perl|ruby|node|php[\d.]*|java|docker|podman|git|npm|npx|make|systemctl|service|kubectl|curl|wget|run-parts|find|lsh|certbot|artisan|rake|bundle)$/;
/** Room for a number that tells two jobs apart. */
const LONGEST = 56;

/** The name a command asks for; `job` when it says nothing. */
export function nameOfCommand(command: string): string {
  const words = firstProgram(parseScript(command).script) ?? [];
  const [program = '', ...args] = words;
  const parts = [withoutExtension(baseName(program))];
  for (const operand of args.filter((arg) => /^[\w./:]/.test(arg)).slice(0, 2)) {
    if (!SAYS_LITTLE.test(parts.at(-1)!)) break;
    parts.push(withoutExtension(baseName(operand.replace(/\/+$/, ''))));
  }
  return toName(parts.join('-'), LONGEST) || 'job';
}

function firstProgram(script: Script): string[] | undefined {
  for (const command of script.flatMap(({ commands }) => commands)) {
    const words =
      command.kind === 'group'
        ? firstProgram(command.body)
        : unwrap(command.words.map(({ text }) => text)).words;
    if (words?.[0] !== undefined && !PREPARES.has(baseName(words[0]))) return words;
  }
  return undefined;
}

function withoutExtension(name: string): string {
  return name.replace(/\.(sh|bash|py|pl|rb|js|mjs|ts|php|jar)$/, '');
}

/** The name, numbered when it is taken. */
export function uniqueName(name: string, taken: ReadonlySet<string>): string {
  let unique = name;
  for (let number = 2; taken.has(unique); number++) unique = `${name}-${number}`;
  return unique;
}
