// Which commands a process executes: settings of its environment, which no job can change.
import { LOCAL_NAMESPACE } from '../naming.ts';

/** What holds for one job. */
export interface CommandPolicy {
  /** Turns refusals into warnings; the allow-list still applies. */
  allowDangerous?: boolean;
  /** The only programs that may run, if given. A name means the program in PATH, a path means that file. */
  allowList?: readonly string[] | undefined;
}

/** What holds for all jobs of a process. */
export interface CommandSettings extends CommandPolicy {
  /** Jobs for which `allowDangerous` holds: NAME on the local daemon, NAMESPACE/NAME everywhere. */
  dangerousJobs?: readonly string[] | undefined;
}

/** The policy for the job of this name. */
export function policyFor(
  { namespace, name }: { namespace: string; name: string },
  { allowDangerous = false, allowList, dangerousJobs = [] }: CommandSettings,
): CommandPolicy {
  const names = namespace === LOCAL_NAMESPACE ? [name, `${namespace}/${name}`] : [`${namespace}/${name}`];
  return { allowDangerous: allowDangerous || names.some((each) => dangerousJobs.includes(each)), allowList };
}
