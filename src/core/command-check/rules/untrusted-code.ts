// Execution of unreviewed code: downloads, decoded text, computed program names, eval.
import { finding, mergeFlows, type Finding, type Flow, type Invocation } from '../invocation.ts';
import { runsItsInput } from '../output.ts';
import { isInterpreter, SHELLS } from '../programs.ts';

/** `curl … | sh`, `bash <(curl …)`, `bash -c "$(curl …)"`, `$(curl …)`, `base64 -d … | sh`. */
export function untrustedCode(invocation: Invocation): Finding[] {
  const { program, programFlow, argsFlow, input, source } = invocation;
  const takesArguments =
    SHELLS.has(program) || isInterpreter(program) || ['eval', 'source', '.'].includes(program);
  const flows: Flow[] = [programFlow];
  if (takesArguments) flows.push(argsFlow);
  if (runsItsInput(invocation)) flows.push(input);
  const { downloaded, decoded } = flows.reduce(mergeFlows);
  const runner = takesArguments ? program : 'The shell';
  if (downloaded) {
    return [finding(source, 'run-download', 'critical', `${runner} runs a download unseen.`)];
  }
  if (!decoded) return [];
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
  /\b(ssh-agent|gpg-agent|direnv|brew|pyenv|rbenv|nodenv|conda|mise|dircolors|minikube|opam|lsh)\b/;

/** `eval` of the output of another command. */
export function evalOfOutput({ program, args, source }: Invocation): Finding[] {
  if (program !== 'eval' || !args.some((arg) => arg.includes('$()'))) return [];
  const level = PRINTS_SETTINGS.test(source) ? 'low' : 'high';
  return [finding(source, 'eval-output', level, 'eval runs the output of another command.')];
}

/** A program name that only the shell computes. */
export function computedProgram({ program, programFlow, path, source }: Invocation): Finding[] {
  if (programFlow.downloaded || programFlow.decoded) return [];
  if (!/\$[{(]|[*?]|\[.+\]/.test(program) || path === '${@}') return [];
  return [finding(source, 'computed-program', 'medium', 'The name of the program is unknown until it runs.')];
}

/** Code for an interpreter that deletes system directories or forks without end. */
export function interpreterCode({ program, args, source }: Invocation): Finding[] {
  if (!isInterpreter(program)) return [];
  const code = args.join(' ');
  if (/fork\s*\(?\)?\s*(while|until)\s+fork|while[^;{]*[:{(]\s*(os\.)?fork/.test(code)) {
    return [finding(source, 'fork-bomb', 'critical', 'The code starts itself again and again: a fork bomb.')];
  }
  if (
    /(rmtree|rmSync|remove_tree|rm_rf)\s*\(?\s*['"](\/|~)(['"*]|(etc|usr|var|home|root|bin|lib)['"/])/.test(
      code,
    )
  ) {
    return [
      finding(source, 'delete-root', 'critical', 'The code deletes a directory that the system needs.'),
    ];
  }
  return [];
}
