// Shells that listen to the network, and connections without a check of the server.
import { finding, optionsOf, type Finding, type Invocation } from '../invocation.ts';
import { SHELLS } from '../programs.ts';

const NETCATS = new Set(['nc', 'ncat', 'netcat', 'telnet']);

/** `nc -e`, `socat … EXEC:`, `bash -i >& /dev/tcp/…`, `sh | nc`. */
export function remoteShell({ program, args, redirects, input, source }: Invocation): Finding[] {
  const netcat = NETCATS.has(program);
  const { letters, long } = optionsOf(args);
  const executes =
    (netcat &&
      (letters.includes('e') || long.some((option) => /^--(sh-)?exec/.test(option)) || runsShell(args))) ||
    (program === 'socat' && args.some((arg) => /(^|,|!!)(EXEC|SYSTEM|SHELL)\b/i.test(arg)));
  const overSocket =
    SHELLS.has(program) && redirects.some(({ target }) => /^\/dev\/(tcp|udp)\//.test(target));
  if (!executes && !overSocket && !(netcat && input.shell)) return [];
  return [finding(source, 'remote-shell', 'critical', 'Gives the network a shell on this machine.')];
}

/** `ncat -c /bin/sh`; in other netcats -c means encryption. */
function runsShell(args: readonly string[]): boolean {
  const value = args[args.findIndex((arg) => /^-[a-z]*c$/.test(arg)) + 1];
  return args.some((arg) => /^-[a-z]*c$/.test(arg)) && /(^|\/)(ba|da|z)?sh\b/.test(value ?? '');
}

/** `curl -k`, `wget --no-check-certificate`. */
export function uncheckedServer({ program, args, source }: Invocation): Finding[] {
  const { letters, long } = optionsOf(args);
  const curl =
    program === 'curl' && (/k/.test(letters.replaceAll(/[HdouXAbeF].*/g, '')) || long.includes('--insecure'));
  const wget = program === 'wget' && long.includes('--no-check-certificate');
  if (!curl && !wget) return [];
  return [
    finding(source, 'unchecked-server', 'low', 'Connects to a server without checking its certificate.'),
  ];
}
