// docs/configuration.md, from the table of variables.
import type { Variable } from '../../src/config/kinds.ts';
import { VARIABLES } from '../../src/config/variables.ts';
import { GENERATED, table } from './markdown.ts';

/** The page as Markdown. */
export function renderConfigurationPage(): string {
  const rows = Object.values(VARIABLES).map((variable: Variable) => [
    `\`${variable.name}\``,
    description(variable),
    variable.type,
    variable.shownDefault === undefined ? '' : `\`${variable.shownDefault}\``,
  ]);
  return `${GENERATED}

# Configuration

Environment variables configure lsh. An empty variable counts as not set. The daemon reads its variables when it
starts: run \`lsh daemon restart\` after a change. \`lsh doctor\` lists the variables that are set, and each problem.

With \`NODE_ENV=production\`, lsh refuses to start while a variable has a problem, and names every problem. Otherwise
it warns and uses the default, as it always does about the endpoints of OpenTelemetry, which other programs read, too.

${table(['variable', 'meaning', 'value', 'default'], rows)}

The command of a job inherits ${inherited()} from the environment of the daemon, and nothing else.
The \`env\` and \`envFrom\` of the job override them. The local daemon adds \`LSH_STATE_DIR\` and
\`LSH_RUNTIME_DIR\` where it has them: a command that calls \`lsh\` reaches the daemon that started it.
`;
}

function description({ description, required, secret }: Variable): string {
  const notes = [required && `Required when ${required.when}.`, secret && 'Secret: lsh never shows it.'];
  return [description, ...notes.filter((note) => note !== undefined)].join(' ');
}

function inherited(): string {
  return Object.values(VARIABLES)
    .filter((variable: Variable) => variable.inherited)
    .map(({ name }) => `\`${name}\``)
    .join(', ');
}
