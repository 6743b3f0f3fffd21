// Names and addresses of the one-node cluster. Every run uses the same ones, in its own network namespace.
export const NODE = { name: 'node', ip: '10.199.0.1', network: '10.199.0.0/24', bridge: 'lsh-node' };
export const SERVICES = { network: '10.96.0.0/16', apiServer: '10.96.0.1' };
export const PODS = { network: '10.244.0.0/16', bridge: 'lsh-pods' };
export const API_SERVER = `https://${NODE.ip}:6443`;
export const ETCD = 'http://127.0.0.1:2379';
/** Image of the container that holds a pod’s namespaces; any image with a waiting process works. */
export const TOOLS_IMAGE = 'localhost/lsh-e2e:tools';
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
