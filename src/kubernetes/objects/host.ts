// The host of a shell run: a Pod of the operator, as `Run.host` names it. Pure.

export interface HostPod {
  namespace: string;
  name: string;
}

/** What a status may name: the words become parts of a path of the API server. */
const HOST = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/;

/** `Run.host` of the runs of a Pod, or of a controller outside the cluster. */
export function hostName(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** Returns undefined for a host that is no Pod, such as one without a namespace. */
export function hostPod(host: string | undefined): HostPod | undefined {
  const [, namespace, name] = HOST.exec(host ?? '') ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}
