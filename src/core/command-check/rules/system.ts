// Shutdown of the machine or of vital processes, and changes of the user.
import { finding, optionsOf, type Finding, type Invocation } from '../invocation.ts';

const FATAL = /^-?(9|15|KILL|TERM|SIGKILL|SIGTERM)$/;
const VITAL = /^(init|systemd|sshd|dockerd|containerd|kubelet|lshd)$/;

/** `kill -9 1`, `kill -9 -1`, `pkill -9 sshd`. */
export function killVital(invocation: Invocation): Finding[] {
  const { program, args, source } = invocation;
  if (program === 'kill') return killFindings(args, source);
  if (program === 'killall5') {
    return [finding(source, 'kill-vital', 'critical', 'Kills every process that it may signal.')];
  }
  if (program !== 'pkill' && program !== 'killall') return [];
  if (!optionsOf(args).operands.some((name) => VITAL.test(name)) || hasHarmlessSignal(args)) return [];
  return [finding(source, 'kill-vital', 'high', 'Kills a process that keeps this machine reachable.')];
}

function hasHarmlessSignal(args: readonly string[]): boolean {
  return args.some((arg) => /^-(0|1|l|HUP|SIGHUP|USR[12]|SIGUSR[12]|WINCH)$/.test(arg));
}

function killFindings(args: readonly string[], source: string): Finding[] {
  const { signal, targets } = killArguments(args);
  if (!FATAL.test(signal)) return [];
  if (targets.has('-1'))
    return [finding(source, 'kill-vital', 'critical', 'Kills every process that it may signal.')];
  if (!targets.has('1')) return [];
  const level = /9|KILL/.test(signal) ? 'critical' : 'medium';
  return [finding(source, 'kill-vital', level, 'Kills process 1, and with it the machine or container.')];
}

/** A first argument such as -9 is a signal only if another argument follows. */
function killArguments(args: readonly string[]): { signal: string; targets: Set<string> } {
  const [first = '', second = ''] = args;
  if (/^(-s|-n|--signal)$/.test(first)) return { signal: second, targets: new Set(args.slice(2)) };
  if (args.length > 1 && /^-[A-Z0-9]/.test(first)) return { signal: first, targets: new Set(args.slice(1)) };
  return { signal: 'TERM', targets: new Set(args) };
}

/** shutdown, reboot and their other names. */
export function powerOff({ program, args, source }: Invocation): Finding[] {
  const direct =
    ['shutdown', 'reboot', 'halt', 'poweroff'].includes(program) &&
    !args.some((arg) => /^(-c|--help|--version)$/.test(arg));
  const level = ['init', 'telinit'].includes(program) && /^[016]$/.test(args[0] ?? '');
  const unit =
    program === 'systemctl' &&
    args.some((arg) => /^(reboot|poweroff|halt|kexec|emergency|rescue)$/.test(arg));
  if (!direct && !level && !unit) return [];
  return [finding(source, 'power-off', 'high', 'Stops the machine, and the scheduler with it.')];
}

/** Any use of sudo, a root shell, and changes of a password by root. */
export function becomeRoot({ program, args, elevated, source }: Invocation): Finding[] {
  if (program === 'sudo' || (elevated && program === 'su')) {
    if (program === 'sudo' && !args.some((arg) => /^(-[a-zA-Z]*[is]|--login|--shell)$/.test(arg))) return [];
    return [finding(source, 'become-root', 'high', 'Opens a root shell.')];
  }
  if (elevated && (program === 'passwd' || program === 'chpasswd')) {
    return [finding(source, 'become-root', 'high', 'Changes the password of another user.')];
  }
  if (!elevated) return [];
  return [
    finding(
      source,
      'elevated',
      'low',
      'Runs with the rights of another user, and fails if sudo asks for a password.',
    ),
  ];
}

/** `crontab -r`. */
export function dropCrontab({ program, args, source }: Invocation): Finding[] {
  if (program !== 'crontab' || !/r/.test(optionsOf(args).letters)) return [];
  return [finding(source, 'drop-crontab', 'medium', 'Deletes the whole crontab.')];
}
