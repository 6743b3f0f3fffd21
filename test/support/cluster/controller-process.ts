// A real `lsh controller` for the namespace of a test, as the operator’s service account with the shipped rights, and
// with shell runs in its own process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { BUNDLE } from '../daemon/bundle.ts';
import type { ClusterCli } from './cluster-cli.ts';
import type { KubeEnvironment } from './kube.ts';
import { installRbac, operatorKubeconfig } from './operator.ts';

export interface ControllerProcess {
  stop: () => Promise<void>;
}

/** Starts the controller; resolves once it evaluates every schedule. */
export async function aController(
  environment: KubeEnvironment,
  { env, namespace }: ClusterCli,
): Promise<ControllerProcess> {
  const admin = await environment.client();
  await installRbac(admin);
  const kubeconfig = await operatorKubeconfig(environment, admin);
  const flags = ['--namespaces', namespace, '--shell-namespaces', namespace, '--shell', 'in-process'];
  const alone = ['--leader-elect', 'false', '--http-port', '0'];
  const child = spawn(process.execPath, [BUNDLE, 'controller', ...flags, ...alone], {
    env: { ...env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const failed = Promise.all([exited, text(child.stderr)]).then(([[code], stderr]) => {
    throw new Error(`the controller ended with ${String(code)}: ${stderr}`);
  });
  const { promise: leads, resolve } = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes('"every schedule is evaluated"')) resolve();
  });
  await Promise.race([leads, failed]);
  failed.catch(() => undefined);
  return {
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
