// Command lines and files of the node: containerd, kubelet and kube-proxy.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CONTAINERD_SOCKET, NODE, PODS, TOOLS_IMAGE } from './addresses.ts';
import type { Keys } from './keys.ts';
import type { Program } from './programs.ts';

export interface NodeOptions {
  /** Directory of the files of the node’s programs. */
  directory: string;
  binaries: string;
  keys: Keys;
  /** Parent of the cgroups of all pods. */
  cgroup: string;
}

export function containerd({ directory }: NodeOptions): Program {
  const config = join(directory, 'containerd.toml');
  const networks = join(directory, 'networks');
  mkdirSync(networks);
  writeFileSync(join(networks, 'pods.conflist'), podNetwork());
  writeFileSync(config, containerdConfig(join(directory, 'containerd'), networks));
  return { name: 'containerd', command: ['containerd', '--config', config] };
}

// restrict_oom_score_adj: without CAP_SYS_RESOURCE, containerd cannot lower the OOM score of a process.
function containerdConfig(root: string, networks: string): string {
  return `version = 2
root = "${root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
  address = "${CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${TOOLS_IMAGE}"
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${networks}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`;
}

function podNetwork(): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: PODS.bridge,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: PODS.network }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  });
}

export function kubelet({ directory, binaries, keys, cgroup }: NodeOptions): Program {
  const config = join(directory, 'kubelet.yaml');
  writeFileSync(config, stringify(kubeletConfig(keys, cgroup)));
  return {
    name: 'kubelet',
    command: [
      join(binaries, 'kubelet'),
      `--config=${config}`,
      `--kubeconfig=${keys.kubeconfig.kubelet}`,
      `--root-dir=${join(directory, 'kubelet')}`,
      `--cert-dir=${join(directory, 'kubelet-certificates')}`,
      `--volume-plugin-dir=${join(directory, 'volume-plugins')}`,
      `--hostname-override=${NODE.name}`,
      `--node-ip=${NODE.ip}`,
      '--container-runtime=remote',
      `--container-runtime-endpoint=unix://${CONTAINERD_SOCKET}`,
    ],
  };
}

function kubeletConfig(keys: Keys, cgroup: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: keys.ca },
    },
    authorization: { mode: 'AlwaysAllow' },
    tlsCertFile: keys.serving,
    tlsPrivateKeyFile: keys.servingKey,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroup,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    // No eviction by disk space: the machine shares its disk with other work.
    evictionHard: { 'memory.available': '1Mi' },
    // The default of 5 calls a second is enough for only one pod.
    kubeAPIQPS: 50,
    kubeAPIBurst: 100,
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    healthzPort: 10248,
    oomScoreAdj: 0,
  };
}

export function kubeProxy({ binaries, keys }: NodeOptions): Program {
  return {
    name: 'kube-proxy',
    command: [
      join(binaries, 'kube-proxy'),
      `--kubeconfig=${keys.kubeconfig.proxy}`,
      '--proxy-mode=iptables',
      `--cluster-cidr=${PODS.network}`,
      `--hostname-override=${NODE.name}`,
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0',
      '--conntrack-tcp-timeout-close-wait=0',
      '--oom-score-adj=0',
    ],
  };
}
