// `lsh runner` and `lsh controller` treat signals as the daemon does.
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { aHome, startDaemon } from '../support/daemon/daemon.ts';

const KUBECONFIG = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'c',
  clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'u', user: {} }],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
};

test.each([
  ['runner', ['runner']],
  ['controller', ['controller', '--http-port', '0']],
])('lsh %s ignores USR1 and USR2, lives on at HUP, and ends at TERM', async (name, words) => {
  const home = aHome();
  const kubeconfig = join(home.env['HOME']!, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(KUBECONFIG));
  const env = { ...home.env, KUBECONFIG: kubeconfig };
  const { child, ended } = startDaemon({ env }, {}, [BUNDLE, ...words]);
  let seen = '';
  child.stdout!.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  const said = async (text: string) => {
    while (!seen.includes(text)) await once(child.stdout!, 'data');
  };
  await said(`"${name} started"`);
  child.kill('SIGUSR1');
  await said('"signal":"SIGUSR1"');
  child.kill('SIGUSR2');
  await said('"signal":"SIGUSR2"');
  child.kill('SIGHUP');
  await said('"log reopened"');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ status: 0, stderr: '' });
});
