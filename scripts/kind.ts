// `npm run kind:up` creates a kind cluster that runs lsh from this checkout; run it again after a change.
// `npm run kind:down` removes the cluster and its images.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { CHART, findHelm, helmInForeground, NO_HELM } from './chart/helm.ts';
import { buildImage } from './image/build.ts';

const CLUSTER = 'lsh';
const CONTEXT = `kind-${CLUSTER}`;
const NAMESPACE = 'lsh-system';
const REPOSITORY = 'ghcr.io/lsh-dev/lsh';
const IMAGE_NAMES = '--format={{.Repository}}:{{.Tag}}';
/** Format that prints the content of an image: in some stores its id also depends on the build time. */
const IMAGE_CONTENT = '--format={{json .RootFS}} {{json .Config}}';
const UNAVAILABLE = 3;

/** Why this machine cannot run a cluster; undefined if it can. */
function obstacle(): string | undefined {
  if (!runs('docker', '--version')) return 'Docker is not installed: https://docs.docker.com/get-docker';
  if (!runs('docker', 'version')) return 'Docker does not answer: start it, or see `docker version`';
  return runs('kind', 'version') ? undefined : 'kind is not installed: https://kind.sigs.k8s.io';
}

/** Installing needs helm, too. */
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
  // The build fails most often, so it comes first and leaves no cluster behind.
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

/** Removes the cluster if its creation fails: the next `up` would take it for a complete cluster. */
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

/** Tags the image by its content, so that Kubernetes replaces pods only after a change. */
function build(): { name: string; tag: string } {
  console.log(`\nbuilding ${REPOSITORY}:dev`);
  buildImage('docker', { tag: `${REPOSITORY}:dev` });
  const content = answer('docker', 'image', 'inspect', IMAGE_CONTENT, `${REPOSITORY}:dev`);
  const tag = `dev-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  run('docker', 'tag', `${REPOSITORY}:dev`, `${REPOSITORY}:${tag}`);
  return { name: `${REPOSITORY}:${tag}`, tag };
}

/** Removes the cluster and the images of up(); keeps the network that all kind clusters share. */
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
    // A failed command has printed its reason.
    console.error(`error: ${error.message.split('\n')[0]}`);
    process.exitCode = 1;
  }
}
