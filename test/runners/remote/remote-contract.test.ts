import { runnerContract } from '../../contract/runner-contract.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

runnerContract('RemoteRunner over a socket to lsh runner', async () => {
  const world = new RunnerWorld();
  await world.startRunner();
  return { runner: await world.connected(), close: () => world.close() };
});
