// `npm run kind:up` brings up a cluster of kind with lsh built from this checkout in it, and may be repeated after a
// change; `npm run kind:down` removes it and the images that were built for it.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { CHART, findHelm, helmInForeground, NO_HELM } from './chart/helm.ts';
import { buildImage } from './image/build.ts';

const CLUSTER = 'lsh';
const CONTEXT = `kind-${CLUSTER}`;
const NAMESPACE = 'lsh-system';
const REPOSITORY = 'ghcr.io/lsh-dev/lsh';
const IMAGE_NAMES = '--format={{.Repository}}:{{.Tag}}';
/** Not its id, which with some stores of images tells when it was built as well. */
const IMAGE_CONTENT = '--format={{json .RootFS}} {{json .Config}}';
const UNAVAILABLE = 3;

/** Why there can be no cluster here; undefined when there can. */
function obstacle(): string | undefined {
  if (!runs('docker', '--version')) return 'Docker is not installed: https://docs.docker.com/get-docker';
  if (!runs('docker', 'version')) return 'Docker does not answer: start it, or see `docker version`';
  return runs('kind', 'version') ? undefined : 'kind is not installed: https://kind.sigs.k8s.io';
}

/** To install takes more than to remove. */
function obstacleToUp(): string | undefined {
  return obstacle() ?? (findHelm() === undefined ? NO_HELM : undefined);
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function run(command: string, ...args: string[]): void {
  console.log(`\n$ ${[command, ...args].join(' ')}`);
  execFileSync(command, args, { stdio: 'inherit' });
}

function answer(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' }).trim();
}

function up(): void {
  // First what fails most often: then it leaves no cluster behind.
  const image = build();
  if (!answer('kind', 'get', 'clusters').split('\n').includes(CLUSTER)) create();
  run('kind', 'load', 'docker-image', image.name, `--name=${CLUSTER}`);
  helmInForeground(
    'upgrade',
    '--install',
    'lsh',
    CHART,
    `--kube-context=${CONTEXT}`,
    `--namespace=${NAMESPACE}`,
    '--create-namespace',
    '--values=deploy/kind/values.yaml',
    `--set=image.repository=${REPOSITORY},image.tag=${image.tag}`,
    '--wait',
  );
  console.log(`
lsh runs in the cluster. Next:
  kubectl --context ${CONTEXT} apply -f deploy/samples/lshjob.yaml
  lsh cron list --context ${CONTEXT}`);
}

/** A cluster that is half made would be taken for one afterwards, so that an interrupt removes it. */
function create(): void {
  const wait = () => undefined;
  process.on('SIGINT', wait);
  try {
    run('kind', 'create', 'cluster', `--name=${CLUSTER}`, '--config=deploy/kind/cluster.yaml');
  } catch (error) {
    run('kind', 'delete', 'cluster', `--name=${CLUSTER}`);
    throw error;
  } finally {
    process.off('SIGINT', wait);
  }
}

/** The tag is that of the content, so that pods are replaced when it has changed and left alone when not. */
function build(): { name: string; tag: string } {
  console.log(`\nbuilding ${REPOSITORY}:dev`);
  buildImage('docker', { tag: `${REPOSITORY}:dev` });
  const content = answer('docker', 'image', 'inspect', IMAGE_CONTENT, `${REPOSITORY}:dev`);
  const tag = `dev-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  run('docker', 'tag', `${REPOSITORY}:dev`, `${REPOSITORY}:${tag}`);
  return { name: `${REPOSITORY}:${tag}`, tag };
}

/** The cluster, and the images that up() has built; the network that all clusters of kind share is kind's. */
function down(): void {
  run('kind', 'delete', 'cluster', `--name=${CLUSTER}`);
  const images = answer('docker', 'image', 'ls', `--filter=reference=${REPOSITORY}:dev*`, IMAGE_NAMES);
  if (images !== '') run('docker', 'image', 'rm', ...images.split('\n'));
}

const actions: Record<string, { act: () => void; obstacle: () => string | undefined }> = {
  up: { act: up, obstacle: obstacleToUp },
  down: { act: down, obstacle },
};
const action = actions[process.argv[2] ?? ''];
const problem = action === undefined ? 'usage: node scripts/kind.ts up|down' : action.obstacle();
if (action === undefined || problem !== undefined) {
  console.error(`error: ${problem}`);
  process.exitCode = UNAVAILABLE;
} else {
  try {
    action.act();
  } catch (error) {
    if (!(error instanceof Error && 'status' in error)) throw error;
    // Of a command, which has said itself why.
    console.error(`error: ${error.message.split('\n')[0]}`);
    process.exitCode = 1;
  }
}
