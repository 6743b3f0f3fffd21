// The user's whole trace, replayed in a cluster: a real API server, operator and runner, with the clock of both moved to Sunday
// at two. The numbers are the steps of docs/trace.md. No kubelet runs here: the test mounts and executes what a Job asks for.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import type { Wire } from '../../../src/kubernetes/api/objects.ts';
import type { Secret } from '../../../src/kubernetes/objects/delivered-secret.ts';
import type { KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { generateKey } from '../../../src/secrets/envelope/age-file.ts';
import type { RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { MovableClock } from '../../support/clock/movable-clock.ts';
import { LAST_MOMENT_MS, nextSundayAtTwo } from '../../support/clock/sundays.ts';
import { aNamespace, type ClusterCli } from '../../support/cluster/cluster-cli.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { lshOk } from '../../support/daemon/cli.ts';
import { LAUNCHER } from '../../support/daemon/node-places.ts';
import { eventually } from '../../support/eventually.ts';
import { MountedSecret } from '../../support/runners/mounted-secret.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';
import { NO_SUPABASE, Supabase } from '../../support/stores/supabase.ts';
import { tempDir } from '../../support/temp-dir.ts';

const COMMAND = 'lsh push --env prod';
const SECRET = 'sunday/secret+at~two';
const ENV_FILE = `# production\nAPI_KEY='${SECRET}'\nREGION=eu\n`;

/** The LshJob of the page, which users copy. */
function jobOfThePage(): string {
  const blocks = readFileSync('docs/secrets.md', 'utf8').split('```');
  return blocks
    .find((block) => block.startsWith('yaml\n') && block.includes('kind: LshJob'))!
    .slice('yaml\n'.length);
}

describe.skipIf(NO_KUBE || NO_SUPABASE)('the trace in a cluster', () => {
  const sunday = nextSundayAtTwo();
  let cluster: OperatorCluster;
  let supabase: Supabase;

  beforeAll(async () => {
    [cluster, supabase] = await Promise.all([OperatorCluster.start(), Supabase.start()]);
  });
  afterAll(() => Promise.all([cluster?.stop(), supabase?.stop()]));

  /** 1-7: the operator runs, and evaluates every schedule. Resolves with its clock. */
  async function anOperator(
    namespace: string,
    ...args: string[]
  ): Promise<{ cli: ClusterCli; clock: MovableClock }> {
    const clock = new MovableClock();
    const cli = await aNamespace(cluster.environment, namespace);
    const alone = ['--namespaces', namespace, '--leader-elect=false', '--evaluation-interval', '1s'];
    const project = { SUPABASE_URL: supabase.url, SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey };
    await cluster.operator({ args: [...alone, ...args], env: { ...clock.env, ...project } }).leads();
    return { cli, clock };
  }

  /** 21: the operator has written the job to the team's project. */
  async function isRecorded(namespace: string, command: string): Promise<void> {
    const query = `select spec->>'command' as command from lsh_jobs where namespace = '${namespace}'`;
    const rows = await eventually(async () => {
      const found = await supabase.sql(query);
      return found.length > 0 && found;
    });
    expect(rows).toEqual([{ command }]);
  }

  /** 22, 27, 28: the slot has one run, and its end is in the status of the LshJob. */
  async function ranOn(slot: number, namespace: string): Promise<RunEntry> {
    const { status } = await cluster.until(
      'rotate-secrets',
      ({ recentRuns = [], active = [] }) => recentRuns.length > 0 && active.length === 0,
      namespace,
    );
    const [run, ...others] = status!.recentRuns!;
    expect(others).toEqual([]);
    expect(run).toMatchObject({ trigger: 'Schedule', attempt: 1, phase: 'Completed' });
    expect(Date.parse(run!.slot)).toBe(slot);
    return run!;
  }

  /** 29: the run is in the team's history, once. */
  async function isInTheHistory({ name }: RunEntry, namespace: string): Promise<void> {
    const rows = await eventually(async () => {
      const found = (await supabase.runs()).filter(({ job }) => job === `${namespace}/rotate-secrets`);
      return found.length > 0 && found;
    });
    expect(rows.map((run) => [run.name, run.slot, run.phase])).toEqual([[name, sunday, 'Completed']]);
  }

  test('with executor Shell: the command is a child of the runner', async () => {
    const world = new RunnerWorld();
    const cwd = join(world.path, 'app');
    mkdirSync(join(cwd, '.git'), { recursive: true });
    writeFileSync(join(cwd, '.env'), ENV_FILE);
    const shell = ['--shell', world.socketPath, '--shell-namespaces', 'by-shell'];
    try {
      const { cli, clock } = await anOperator('by-shell', ...shell);
      await world.startRunner(clock.env);
      // 8-20: as typed, with the place of the project in the container; the API server holds the job.
      const add = [
        'cron',
        'add',
        '--name',
        'rotate-secrets',
        '--schedule',
        '0 2 * * 0',
        '--command',
        COMMAND,
      ];
      const created = await cli.ok([...add, '--executor', 'Shell', '--working-dir', cwd]);
      expect(created).toContain(`Sun ${new Date(sunday).toISOString().slice(0, 10)} 02:00`);
      await isRecorded('by-shell', COMMAND);
      clock.moveTo(sunday - LAST_MOMENT_MS);
      // 23-25: the output is that of a `lsh push` in the project.
      const run = await ranOn(sunday, 'by-shell');
      expect(run).toMatchObject({ executor: 'Shell', exitCode: 0 });
      expect(Date.parse(run.startedAt!)).toBeGreaterThanOrEqual(sunday);
      expect(run.outputTail).toMatch(/ prod: version 1 stored for 1 recipient in /);
      expect(run.outputTail).not.toContain(SECRET);
      // 26: the version opens to the file, byte for byte.
      const home = { env: { PATH: process.env['PATH']!, HOME: world.path } };
      await lshOk(home, ['pull', '--env', 'prod', '--file', join(world.path, 'copy.env')], { cwd });
      expect(readFileSync(join(world.path, 'copy.env'), 'utf8')).toBe(ENV_FILE);
      await isInTheHistory(run, 'by-shell');
    } finally {
      await cluster.stopOperators();
      await world.close();
    }
  });

  test('with executor Job: the command runs in a container of its own', async () => {
    const { cli, clock } = await anOperator('by-job');
    cluster.behave('rotate-secrets', () => 'Run');
    await aSecret('shop-env', { '.env': ENV_FILE });
    await aSecret('lsh-push', {
      LSH_SECRETS_KEY: (await generateKey('classic')).identity,
      SUPABASE_URL: supabase.url,
      SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
    });
    // 8-20: as the page has it.
    expect(await cli.ok(['apply', '-f', '-'], { stdin: jobOfThePage() })).toContain('created');
    await isRecorded('by-job', `${COMMAND} --force`);
    clock.moveTo(sunday - LAST_MOMENT_MS);
    // 23: the Kubernetes Job. 24-26: what its container executes.
    const job = await cluster.waitFor(
      () => cluster.jobController.jobsOf('rotate-secrets', 'by-job')[0],
      'the Job',
    );
    const { stdout } = await execute(job);
    expect(stdout).toMatch(/^github\.com\/acme\/shop prod: version 1 stored for 1 recipient in /);
    expect(stdout).not.toContain(SECRET);
    await cluster.jobController.end(job, 'Complete');
    const run = await ranOn(sunday, 'by-job');
    expect(run).toMatchObject({ executor: 'Job', name: job.metadata.name });
    const versions = await supabase.sql('select project, environment, version from lsh_secret_versions');
    expect(versions).toEqual([{ project: 'github.com/acme/shop', environment: 'prod', version: 1 }]);
    await isInTheHistory(run, 'by-job');
    await cluster.stopOperators();
  });

  async function aSecret(name: string, stringData: Record<string, string>): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData };
    await cluster.admin.json({ method: 'POST', path: '/api/v1/namespaces/by-job/secrets', body });
  }

  async function dataOf(name: string): Promise<Record<string, string>> {
    return (await cluster.admin.json<Secret>({ path: `/api/v1/namespaces/by-job/secrets/${name}` })).data!;
  }

  /** What a kubelet does: mounts the volumes below a directory, and executes the command with the variables. */
  async function execute({ spec }: KubeJob): Promise<{ stdout: string }> {
    const root = tempDir();
    const { containers, volumes = [] } = (spec as unknown as { template: { spec: Wire<V1PodSpec> } }).template
      .spec;
    const container = containers[0] as Wire<V1Container>;
    for (const { name, mountPath } of container.volumeMounts!) {
      const volume = volumes.find((candidate) => candidate.name === name);
      new MountedSecret(root, '', mountPath).write(await dataOf(volume!.secret!.secretName!));
    }
    const env: Record<string, string> = { PATH: `${dirname(LAUNCHER)}:${process.env['PATH']}` };
    for (const { secretRef } of container.envFrom!)
      for (const [key, value] of Object.entries(await dataOf(secretRef!.name!)))
        env[key] = Buffer.from(value, 'base64').toString();
    for (const { name, value } of container.env!) env[name] = value!;
    const [program, ...args] = container.command!;
    return promisify(execFile)(program!, args, {
      cwd: join(root, container.workingDir!),
      env: { ...env, HOME: join(root, env['HOME']!) },
    });
  }
});
