// A document judged as its platform would judge it, with every problem at once and nothing changed.
import { toLshError, type Problem } from '../../core/errors.ts';
import { checkCommand, type CommandPolicy } from '../../core/command-check/command-check.ts';
import type { Platform } from '../../core/executor.ts';
import type { JobSpec } from '../../core/job.ts';
import { parseManifest } from '../../core/validate/validate.ts';

export interface ManifestFindings {
  problems: Problem[];
  warnings: Problem[];
}

/** What is wrong with the document, and what is risky. The command is judged however wrong the rest is. */
export function checkManifest(value: unknown, platform: Platform, policy: CommandPolicy): ManifestFindings {
  const spec = specOf(value);
  const { allowed, found } = commandFindings(spec, policy);
  const problems = [...manifestProblems(value, platform), ...(allowed ? [] : found)];
  return { problems, warnings: allowed ? found : [] };
}

function specOf(value: unknown): Partial<Record<keyof JobSpec, unknown>> {
  const { spec } = (value ?? {}) as { spec?: unknown };
  return typeof spec === 'object' && spec !== null ? spec : {};
}

function manifestProblems(value: unknown, platform: Platform): Problem[] {
  try {
    parseManifest(value, platform);
    return [];
  } catch (error) {
    const { problems } = toLshError(error);
    if (problems.length === 0) throw error;
    return problems;
  }
}

/** Only of a command that is one; what else it is, the shape says. */
function commandFindings({ command, args, workingDir }: ReturnType<typeof specOf>, policy: CommandPolicy) {
  const directory = typeof workingDir === 'string' ? { workingDir } : {};
  const words = Array.isArray(args) && args.every((arg) => typeof arg === 'string') ? args : undefined;
  if (typeof command !== 'string' && words === undefined) return { allowed: true, found: [] };
  const [path, checked] =
    typeof command === 'string' ? ['spec.command', { command }] : ['spec.args', { args: words }];
  const { allowed, findings } = checkCommand({ ...checked, ...directory }, policy);
  return { allowed, found: findings.map(({ message }): Problem => ({ path, message })) };
}
