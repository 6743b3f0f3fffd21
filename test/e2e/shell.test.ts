// What a shell run can reach of the controller beside it: nothing. Each wall is tried from within a run, and the same
// attempt succeeds in the controller's own container, where that is what shows that it is a wall.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RealCluster, RELEASE } from './support/real-cluster.ts';

const SECRETS = '/var/run/secrets/kubernetes.io/serviceaccount';
const TOKEN = `${SECRETS}/token`;
const SOCKETS = '/run/lsh/runner';

/** Everywhere but among processes and the kernel's settings. */
const EVERYWHERE = 'for top in /*; do case $top in /proc|/sys) ;; *) echo $top;; esac; done';
/** Volumes of secrets, tokens and the like hold their files in a directory of this name, wherever they are mounted. */
const PROJECTED = `ls -Ra $(${EVERYWHERE}) 2>/dev/null | grep -cx '\\.\\.data'; true`;
/** Tokens, by what they look like, under any name. */
const TOKENS = `grep -rIlsE '^eyJ[A-Za-z0-9_-]+\\.eyJ' $(${EVERYWHERE}) | grep -c .; true`;

const cluster = new RealCluster();
beforeAll(() => cluster.start());
afterAll(() => cluster.stop());

/** The end of what a shell run prints. */
async function inRun(name: string, command: string): Promise<string> {
  await cluster.create(name, { schedule: '@yearly', executor: 'Shell', command });
  await cluster.lsh('cron', 'trigger', name, '--wait');
  const run = await cluster.untilRun(name, ({ phase }) => phase === 'Completed');
  await cluster.remove(name);
  return run.outputTail ?? '';
}

const inController = (command: string) => cluster.inContainer('controller', 'sh', '-c', command);

describe('a shell run', () => {
  test('sees no process but those of its own user, and so none of the controller', async () => {
    const processes = 'stat -c %u /proc/[0-9]* 2>/dev/null | sort -u';
    expect(await inRun('processes', processes)).toBe('65533\n');
    expect(await inController(processes)).toBe('65532\n');
    // A variable that the controller alone has; the brackets keep it from finding this command itself.
    const environments = (name: string) => `cat /proc/[0-9]*/environ 2>/dev/null | grep -ac '${name}'; true`;
    expect(await inRun('environments', environments('LSH_JOB_IMAG[E]='))).toBe('0\n');
    expect(await inRun('own-environments', environments('LSH_RUNNER_SOCKE[T]='))).not.toBe('0\n');
    expect(await inController(environments('LSH_JOB_IMAG[E]='))).not.toBe('0\n');
  });

  test('finds the token neither at its path, nor behind another process, nor under another name', async () => {
    const paths = `for at in ${TOKEN} /proc/[0-9]*/root${TOKEN} /run/secrets; do cat $at && echo; done 2>/dev/null; true`;
    expect(await inRun('token', paths)).toBe('');
    expect(await inController(paths)).toMatch(/^ey[^]*\ney/);
    expect(await inRun('volumes', PROJECTED)).toBe('0\n');
    expect(await inController(PROJECTED)).not.toBe('0\n');
    expect(await inRun('contents', TOKENS)).toBe('0\n');
    expect(await inController(TOKENS)).not.toBe('0\n');
  });

  test('gets no further by what it puts beside the socket', async () => {
    const tricks = [
      `cd ${SOCKETS}`,
      // A link leads nowhere here, and only here: the controller opens nothing but the socket.
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
    // The one who listens is still the runner: this run was told of, and so is the next.
    expect(await inRun('after-tricks', 'echo heard')).toBe('heard\n');
    for (const path of ['/run/lsh/new', `${SOCKETS}/new`])
      await expect(inController(`touch ${path}`)).rejects.toThrow('Read-only file system');
  });

  test('reaches of the controller the port for probes and metrics, which tells no names', async () => {
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
        console.log('names', /reach/.test((await ask('/metrics'))[1]));
      })();`;
    const said = await inRun('reach', `node -e "$(cat <<'EOF'\n${program}\nEOF\n)"`);
    expect(said.split('\n')).toEqual([
      'listening 8080',
      'abstract 0',
      '/healthz 200',
      ...['/', '/debug/pprof/', '/v1/jobs'].map((path) => `${path} 404`),
      'names false',
      '',
    ]);
  });

  test('is nobody to the API server', async () => {
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
  test('neither the runner nor the controller executes commands', async () => {
    const refusals = ['lsh runner', 'lsh controller --shell in-process'];
    for (const refused of refusals)
      await expect(inController(`${refused}; echo "status $?"; exit 9`)).rejects.toThrow(
        /RUNNER_HAS_TOKEN[^]*status 5\n/,
      );
  });

  test('the controller does when it is forced to', async () => {
    // It stands by, because another one has the lease.
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
