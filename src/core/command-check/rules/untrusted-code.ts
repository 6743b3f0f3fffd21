// Execution of unreviewed code: downloads, decoded text, computed program names, eval.
import { runsItsInput } from '../code.ts';
import { finding, type Finding, type Invocation } from '../invocation.ts';
import { isSystemRoot, resolvePath } from '../paths.ts';
import { isInterpreter, SHELLS } from '../programs.ts';

/** `curl … | sh`, `bash <(curl …)`, `bash -c "$(curl …)"`, `$(curl …)`, `curl -o f … && sh f`, `base64 -d … | sh`. */
export function untrustedCode({ program, code, source }: Invocation): Finding[] {
  const runsCode = SHELLS.has(program) || isInterpreter(program) || ['eval', 'source', '.'].includes(program);
  const runner = runsCode ? program : 'The shell';
  if (code.downloaded) {
    return [finding(source, 'run-download', 'critical', `${runner} runs a download unseen.`)];
  }
  if (!code.decoded) return [];
  return [
    finding(source, 'run-decoded', 'high', `${runner} runs encoded text, which a reader cannot check.`),
  ];
}

/** A shell at the end of a pipe runs all of its input. */
export function pipeIntoShell(invocation: Invocation): Finding[] {
  const { program, input, source } = invocation;
  const known = input.texts.length > 0 || input.downloaded || input.decoded;
  if (!SHELLS.has(program) || known || !runsItsInput(invocation) || !source.includes(program)) return [];
  return [finding(source, 'run-input', 'low', `${program} runs all text on its input.`)];
}

/** Programs that print shell code for eval. */
const PRINTS_SETTINGS =
  /\b(ssh-agent|apt-config|dpkg-architecture|lesspipe|luarocks|keychain|gpg-agent|direnv|brew|pyenv|rbenv|nodenv|conda|mise|fnm|dircolors|minikube|opam|resize|lsh)\b/;

/** `eval` of the output of another command. */
export function evalOfOutput({ program, args, source }: Invocation): Finding[] {
  if (program !== 'eval' || !args.some((arg) => arg.includes('$()'))) return [];
  const level = PRINTS_SETTINGS.test(source) ? 'low' : 'high';
  return [finding(source, 'eval-output', level, 'eval runs the output of another command.')];
}

/** Longer names are none of a program. */
const MAX_NAME = 256;

/** A program name that only the shell computes. */
export function computedProgram({ program, programFlow, path, source }: Invocation): Finding[] {
  if (programFlow.downloaded || programFlow.decoded) return [];
  if (!/\$[{(]|[*?]|\[.+\]/.test(program.slice(0, MAX_NAME)) || path === '${@}') return [];
  return [finding(source, 'computed-program', 'medium', 'The name of the program is unknown until it runs.')];
}

// Bounded repetitions: each pattern may start at every character of the code.
const FORKS =
  /fork[\s()]{0,16}(while|until)\s{1,16}fork|while[^;{}]{0,80}[:{(]\s{0,16}(os\.|Process\.)?fork|\bloop\s{0,8}\{\s{0,8}fork/;
const DELETES =
  /\b(?:rmtree|rmSync|rmdirSync|removeSync|remove_tree|rm_rf?|rimraf|remove_entry_secure|unlink)[\s(]{1,16}(?:[\w.:]{1,40}[\s(])?(?:['"]([^'"]{1,256})['"]|(\w{1,40}))/g;
const CONNECTS =
  /require\(['"](net|tls)['"]\)|\bsocket\b|\bSocket\b|TCPSocket|fsockopen|net\.(connect|Socket|createConnection)/;
const FETCHES =
  /urlopen|\brequests\.get|LWP|URI\.open|\bhttps?['"]?\)?\.get\b|file_get_contents\(\s{0,4}['"]https?:|\bfetch\(/;
const DECODES = /b64decode|decode_base64|base64_decode|\batob\(|['"]base64['"]/;
const EVALUATES = /\b(exec|eval)\b\s{0,4}[("'$\w]/;
const STARTS_SHELL = /\/bin\/(ba|da|z)?sh\b|pty\.spawn|cmd\.exe/;

/** Code for an interpreter that deletes system directories, forks, runs unseen code or gives the network a shell. */
export function interpreterCode({ foreignCode, cwd, source }: Invocation): Finding[] {
  return foreignCode.flatMap((code) => {
    const findings: Finding[] = [];
    if (FORKS.test(code)) {
      const message = 'The code starts itself again and again: a fork bomb.';
      findings.push(finding(source, 'fork-bomb', 'critical', message));
    }
    if (deletedPaths(code).some((path) => isSystemRoot(resolvePath(path, cwd)))) {
      const message = 'The code deletes a directory that the system or its users need.';
      findings.push(finding(source, 'delete-root', 'critical', message));
    }
    if (EVALUATES.test(code) && (FETCHES.test(code) || DECODES.test(code))) {
      const message = 'The code runs a download or encoded text unseen.';
      findings.push(finding(source, 'run-download', 'critical', message));
    }
    const readsSocket = code.includes('/inet/tcp/') && code.includes('|&');
    if (readsSocket || (CONNECTS.test(code) && STARTS_SHELL.test(code))) {
      findings.push(
        finding(source, 'remote-shell', 'critical', 'Gives the network a shell on this machine.'),
      );
    }
    return findings;
  });
}

/** The literal paths that the code deletes, also through a variable that holds one. */
function deletedPaths(code: string): string[] {
  const deletions = [...code.matchAll(DELETES)];
  if (deletions.length === 0) return [];
  const variables = new Map<string, string>();
  for (const [, name, value] of code.matchAll(/(\b\w{1,40})\s{0,8}=\s{0,8}['"]([^'"]{1,256})['"]/g)) {
    variables.set(name!, value!);
  }
  return deletions.flatMap(([, path, name = '']) => path ?? variables.get(name) ?? []);
}
