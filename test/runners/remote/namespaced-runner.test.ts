// What every runner keeps, kept by the one that gives the runs of each namespace names of their own.
import { NamespacedRunner } from '../../../src/runners/remote/namespaced-runner.ts';
import { runnerContract } from '../../contract/runner-contract.ts';
import { RunnerHome } from '../../support/runners/subprocess-runner.ts';

runnerContract('the runner of several namespaces', async () => {
  const home = new RunnerHome();
  return { runner: new NamespacedRunner(await home.runner()), close: () => home.close() };
});
