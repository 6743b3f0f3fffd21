// The runner contract for the runner that serves several namespaces.
import { NamespacedRunner } from '../../../src/runners/remote/namespaced-runner.ts';
import { runnerContract } from '../../contract/runner-contract.ts';
import { RunnerHome } from '../../support/runners/subprocess-runner.ts';

runnerContract('the runner of several namespaces', async () => {
  const home = new RunnerHome();
  return { runner: new NamespacedRunner(await home.runner()), close: () => home.close() };
});
