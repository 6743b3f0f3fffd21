// Shutdown of the machine or of vital processes, and changes of the user.
import { finding, NO_FLOW, optionsOf, type Finding, type Invocation } from '../invocation.ts';
import { SHELLS } from '../programs.ts';

const FATAL = /^-?(9|15|KILL|TERM|SIGKILL|SIGTERM)$/;
const VITAL = /^(init|systemd|sshd|dockerd|containerd|kubelet|lshd)$/;
const VITAL_UNIT =
  /^(ssh|sshd|dbus|systemd-(logind|networkd|journald|resolved)|networking|network|NetworkManager)(\.(service|socket))?$/;

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

/** `systemctl stop sshd`, `systemctl mask docker`. */
export function stopVitalUnit({ program, args, source }: Invocation): Finding[] {
  const verb = args.find((arg) => /^(stop|disable|mask|kill)$/.test(arg));
  const stops = program === 'systemctl' ? verb : program === 'service' && args.at(-1) === 'stop' && 'stop';
  if (!stops || !args.some((arg) => VITAL_UNIT.test(arg))) return [];
  return [finding(source, 'kill-vital', 'high', 'Stops a service that keeps this machine reachable.')];
}

type PowerChange = 'off' | 'restart' | undefined;

/** shutdown, halt, reboot and their other names. A restart is a common job, and the scheduler comes back after it. */
export function powerOff({ program, args, source }: Invocation): Finding[] {
  const change = powerChange(program, args);
  if (change === undefined) return [];
  return change === 'off'
    ? [finding(source, 'power-off', 'high', 'Stops the machine, and the scheduler with it.')]
    : [finding(source, 'restart', 'medium', 'Restarts the machine, and ends every run on it.')];
}

/** What each program does by its arguments. */
const POWER = new Map<string, (args: readonly string[]) => PowerChange>([
  ['halt', haltChange],
  ['poweroff', haltChange],
  ['reboot', (args) => (args.some((arg) => /^(-p|--poweroff|--halt)$/.test(arg)) ? 'off' : 'restart')],
  ['shutdown', (args) => (args.some((arg) => /^-[a-zA-Z]*r|^--reboot$/.test(arg)) ? 'restart' : 'off')],
  ['init', ([level = '']) => runlevelChange(level)],
  ['telinit', ([level = '']) => runlevelChange(level)],
  ['systemctl', unitChange],
]);

function powerChange(program: string, args: readonly string[]): PowerChange {
  if (args.some((arg) => /^(-c|--help|--version|--show)$/.test(arg))) return undefined;
  return POWER.get(program)?.(args);
}

function haltChange(args: readonly string[]): PowerChange {
  return args.includes('--reboot') ? 'restart' : 'off';
}

function runlevelChange(level: string): PowerChange {
  if (level === '6') return 'restart';
  return /^[01]$/.test(level) ? 'off' : undefined;
}

function unitChange(args: readonly string[]): PowerChange {
  if (args.some((arg) => /^(poweroff|halt|emergency|rescue)(\.target)?$/.test(arg))) return 'off';
  return args.some((arg) => /^(reboot|kexec|soft-reboot)(\.target)?$/.test(arg)) ? 'restart' : undefined;
}

/** Any use of sudo, a root shell, and changes of a password by root. */
export function becomeRoot(invocation: Invocation): Finding[] {
  const { program, args, elevated, source } = invocation;
  if (opensShell(invocation)) return [finding(source, 'become-root', 'high', 'Opens a root shell.')];
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

/** `sudo bash`, `su root`: without a command, and with nothing on its input. */
function opensShell({ program, args, elevated, input, redirects }: Invocation): boolean {
  if (input !== NO_FLOW || redirects.length > 0) return false;
  if (program === 'su') return args.every((arg) => /^(-|-l|--login|root)$/.test(arg));
  return elevated && SHELLS.has(program) && args.every((arg) => /^(-[il]|--login)$/.test(arg));
}

/** `useradd -o -u 0`, `usermod -aG sudo`, `passwd -d root`, `userdel root`, `chpasswd`. */
export function changeAccounts({ program, args, source }: Invocation): Finding[] {
  const changes = ACCOUNT_CHANGES.get(program)?.(args) ?? false;
  if (!changes) return [];
  return [
    finding(
      source,
      'change-accounts',
      'critical',
      'Changes the passwords of users, or gives the rights of root away.',
    ),
  ];
}

const ACCOUNT_CHANGES = new Map<string, (args: readonly string[]) => boolean>([
  ['useradd', makesRoot],
  ['adduser', makesRoot],
  ['usermod', (args) => makesRoot(args) || args.at(-1) === 'root' || joinsAdmins(args)],
  ['passwd', (args) => args.at(-1) === 'root' && !args.some((arg) => /^(-S|--status)$/.test(arg))],
  ['chpasswd', () => true],
  ['userdel', (args) => args.at(-1) === 'root'],
  ['deluser', (args) => args.at(-1) === 'root'],
  ['setcap', ([capabilities = '']) => /cap_(setuid|sys_admin|dac_override)/.test(capabilities)],
]);

function makesRoot(args: readonly string[]): boolean {
  return args.some((arg, at) => isRootId(args[at - 1], arg));
}

function joinsAdmins(args: readonly string[]): boolean {
  return args.some((arg) => /(^|,)(sudo|wheel|root|admin)(,|$)/.test(arg)) && args.length > 2;
}

function isRootId(before: string | undefined, arg: string): boolean {
  return (/^(-[a-z]*u|--uid)$/.test(before ?? '') && /^0+$/.test(arg)) || /^(--uid=|-u)0+$/.test(arg);
}

/** `crontab -r`. */
export function dropCrontab({ program, args, source }: Invocation): Finding[] {
  if (program !== 'crontab' || !/r/.test(optionsOf(args).letters)) return [];
  return [finding(source, 'drop-crontab', 'medium', 'Deletes the whole crontab.')];
}
