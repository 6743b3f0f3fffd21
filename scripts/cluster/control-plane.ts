// Command lines of the control plane: etcd, API server, controller manager and scheduler of 1.20.
import { join } from 'node:path';
import { ETCD, NODE, PODS, SERVICES } from './addresses.ts';
import type { Keys } from './keys.ts';
import type { Program } from './programs.ts';

/** etcd keeps its data in memory: the cluster does not outlive the run, and no write waits for the disk. */
export function etcd(binaries: string): Program {
  return {
    name: 'etcd',
    command: [
      join(binaries, 'etcd'),
      '--data-dir=/run/etcd',
      `--listen-client-urls=${ETCD}`,
      `--advertise-client-urls=${ETCD}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--unsafe-no-fsync',
    ],
  };
}

export function apiServer(binaries: string, keys: Keys): Program {
  return {
    name: 'kube-apiserver',
    command: [
      join(binaries, 'kube-apiserver'),
      `--etcd-servers=${ETCD}`,
      `--advertise-address=${NODE.ip}`,
      `--service-cluster-ip-range=${SERVICES.network}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      `--client-ca-file=${keys.ca}`,
      `--tls-cert-file=${keys.serving}`,
      `--tls-private-key-file=${keys.servingKey}`,
      `--kubelet-client-certificate=${keys.client}`,
      `--kubelet-client-key=${keys.clientKey}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${keys.accounts}`,
      `--service-account-signing-key-file=${keys.accountsKey}`,
    ],
  };
}

export function controllerManager(binaries: string, keys: Keys): Program {
  return {
    name: 'kube-controller-manager',
    command: [
      join(binaries, 'kube-controller-manager'),
      `--kubeconfig=${keys.kubeconfig['controller-manager']}`,
      `--root-ca-file=${keys.ca}`,
      `--service-account-private-key-file=${keys.accountsKey}`,
      '--use-service-account-credentials',
      `--cluster-cidr=${PODS.network}`,
      '--leader-elect=false',
    ],
  };
}

export function scheduler(binaries: string, keys: Keys): Program {
  return {
    name: 'kube-scheduler',
    command: [
      join(binaries, 'kube-scheduler'),
      `--kubeconfig=${keys.kubeconfig.scheduler}`,
      '--leader-elect=false',
    ],
  };
}
