// A shell run must reach nothing of the controller beside it. Each attempt runs inside a shell run; the same attempt in
// the controller's container succeeds, which proves that the attempt itself works.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RealCluster, RELEASE } from './support/real-cluster.ts';

const SECRETS = '/var/run/secrets/kubernetes.io/serviceaccount';
const TOKEN = `${SECRETS}/token`;
const SOCKETS = '/run/lsh/runner';

/** All top directories except /proc and /sys. */
const EVERYWHERE = 'for top in /*; do case $top in /proc|/sys) ;; *) echo $top;; esac; done';
/** Volumes of Secrets and tokens hold their files in a directory of this name, wherever they are mounted. */
const PROJECTED = `ls -Ra $(${EVERYWHERE}) 2>/dev/null | grep -cx '\\.\\.data'; true`;
/** Files that contain a JWT, under any name. */
const TOKENS = `grep -rIlsE '^eyJ[A-Za-z0-9_-]+\\.eyJ' $(${EVERYWHERE}) | grep -c .; true`;

const cluster = new RealCluster();
beforeAll(() => cluster.start());
afterAll(() => cluster.stop());

/** The end of the output of a shell run. */
async function inRun(name: string, command: string): Promise<string> {
  await cluster.create(name, { schedule: '@yearly', executor: 'Shell', command });
  await cluster.lsh('cron', 'trigger', name, '--wait');
  const run = await cluster.untilRun(name, ({ phase }) => phase === 'Completed');
  await cluster.remove(name);
  return run.outputTail ?? '';
}

const inController = (command: string) => cluster.inContainer('controller', 'sh', '-c', command);

describe('a shell run', () => {
  test('sees only processes of its own user, and so none of the controller', async () => {
    const processes = 'stat -c %u /proc/[0-9]* 2>/dev/null | sort -u';
    expect(await inRun('processes', processes)).toBe('65533\n');
    expect(await inController(processes)).toBe('65532\n');
    // Only the controller has this variable; the brackets keep the pattern from matching this command.
    const environments = (name: string) => `cat /proc/[0-9]*/environ 2>/dev/null | grep -ac '${name}'; true`;
    expect(await inRun('environments', environments('LSH_JOB_IMAG[E]='))).toBe('0\n');
    expect(await inRun('own-environments', environments('LSH_RUNNER_SOCKE[T]='))).not.toBe('0\n');
    expect(await inController(environments('LSH_JOB_IMAG[E]='))).not.toBe('0\n');
  });

  test('finds no token at its path, behind another process, or under another name', async () => {
    const paths = `for at in ${TOKEN} /proc/[0-9]*/root${TOKEN} /run/secrets; do cat $at && echo; done 2>/dev/null; true`;
    expect(await inRun('token', paths)).toBe('');
    expect(await inController(paths)).toMatch(/^ey[^]*\ney/);
    expect(await inRun('volumes', PROJECTED)).toBe('0\n');
    expect(await inController(PROJECTED)).not.toBe('0\n');
    expect(await inRun('contents', TOKENS)).toBe('0\n');
    expect(await inController(TOKENS)).not.toBe('0\n');
  });

  test('gains nothing by files beside the socket', async () => {
    const tricks = [
      `cd ${SOCKETS}`,
      // The controller opens only the socket, so a link misleads no process except this one.
      `mv runner.sock kept && ln -s ${TOKEN} runner.sock`,
      'cat runner.sock',
      'rm runner.sock && mv kept runner.sock',
      'touch file && chown 65532 file',
      'mknod device c 1 1',
      'rm -f file device; ls',
    ];
    const said = await inRun('tricks', `exec 2>&1; ${tricks.join('\n')}`);
    expect(said).toMatch(/cat: runner\.sock: No such file/);
    expect(said).toMatch(/chown: .*Operation not permitted/);
    expect(said).toMatch(/mknod: .*Operation not permitted/);
    // The runner still listens: it reported this run, and it reports the next.
    expect(await inRun('after-tricks', 'echo heard')).toBe('heard\n');
    for (const path of ['/run/lsh/new', `${SOCKETS}/new`])
      await expect(inController(`touch ${path}`)).rejects.toThrow('Read-only file system');
  });

  test('reaches only the port for probes and metrics, which shows the names of jobs and no commands', async () => {
    const program = `
      const { readFileSync } = require('node:fs');
      const ask = async (path) => {
        const answer = await fetch('http://127.0.0.1:8080' + path);
        return [answer.status, await answer.text()];
      };
      const listening = ['tcp', 'tcp6'].flatMap((file) => readFileSync('/proc/net/' + file, 'utf8').split('\\n'))
        .map((line) => line.trim().split(/ +/)).filter(([, , , state]) => state === '0A')
        .map(([, local]) => parseInt(local.split(':')[1], 16));
      (async () => {
        console.log('listening', listening.join());
        console.log('abstract', (readFileSync('/proc/net/unix', 'utf8').match(/@/g) ?? []).length);
        for (const path of ['/healthz', '/', '/debug/pprof/', '/v1/jobs'])
          console.log(path, (await ask(path))[0]);
        const metrics = (await ask('/metrics'))[1];
        console.log('names', /"reach"/.test(metrics), 'commands', /readFileSync/.test(metrics));
      })();`;
    const said = await inRun('reach', `node -e "$(cat <<'EOF'\n${program}\nEOF\n)"`);
    expect(said.split('\n')).toEqual([
      'listening 8080',
      'abstract 0',
      '/healthz 200',
      ...['/', '/debug/pprof/', '/v1/jobs'].map((path) => `${path} 404`),
      'names true commands false',
      '',
    ]);
  });

  test('has no identity for the API server', async () => {
    const program = `
      const { get } = require('node:https');
      const [, host] = /KUBERNETES_SERVICE_HOST=([^\\0]*)/.exec(require('node:fs').readFileSync('/proc/1/environ', 'utf8'));
      for (const path of ['/apis/lsh.dev/v1alpha1/lshjobs', '/api/v1/secrets', '/apis/batch/v1/jobs'])
        get({ host, path, rejectUnauthorized: false }, (answer) => console.log(answer.resume().statusCode));`;
    const said = await inRun('nobody', `node -e "$(cat <<'EOF'\n${program}\nEOF\n)"`);
    expect(said).toMatch(/^(40[13]\n){3}$/);
  });
});

describe('beside the token', () => {
  test('runner and controller refuse to execute commands', async () => {
    const refusals = ['lsh runner', 'lsh controller --shell in-process'];
    for (const refused of refusals)
      await expect(inController(`${refused}; echo "status $?"; exit 9`)).rejects.toThrow(
        /RUNNER_HAS_TOKEN[^]*status 5\n/,
      );
  });

  test('the controller executes commands with --shell-force', async () => {
    // This controller stands by, because another holds the lease.
    const forced = 'lsh controller --shell in-process --shell-force --http-port 0 & echo "pid $!"; wait $!';
    const { name } = (await cluster.operator()).metadata;
    const where = ['--namespace', RELEASE.namespace, name, '--container', 'controller'];
    const printed = await cluster.untilPrinted(
      'controller started',
      'exec',
      ...where,
      '--',
      'sh',
      '-c',
      forced,
    );
    const [, pid = 'none'] = /pid (\d+)/.exec(printed) ?? [];
    expect(await inController(`kill ${pid}; while kill -0 ${pid}; do :; done 2>/dev/null; echo gone`)).toBe(
      'gone\n',
    );
  });
});
