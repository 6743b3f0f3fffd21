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

lsh is configured by environment variables; a variable that is empty counts as not set. The daemon reads its
variables when it starts: after a change, run \`lsh daemon restart\`. \`lsh doctor\` shows each variable as it stands.

With \`NODE_ENV=production\` a process refuses to start while a variable has a problem, and names them all;
otherwise it warns and uses the default.

${table(['variable', 'what it does', 'value', 'default'], rows)}

Commands of jobs inherit ${inherited()} and nothing else from the daemon's environment;
a job's \`env\` and \`envFrom\` come on top.
`;
}

function description({ description, required, secret }: Variable): string {
  const notes = [required && `Required when ${required.when}.`, secret && 'Secret: never shown.'];
  return [description, ...notes.filter((note) => note !== undefined)].join(' ');
}

function inherited(): string {
  return Object.values(VARIABLES)
    .filter((variable: Variable) => variable.inherited)
    .map(({ name }) => `\`${name}\``)
    .join(', ');
}
