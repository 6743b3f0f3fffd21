// PodSecurity’s restricted profile, field by field, as the Kubernetes documentation lists it.
import type { PodSpec } from '../chart/chart.ts';

const VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const SECCOMP = new Set(['RuntimeDefault', 'Localhost']);
const SELINUX = new Set([
  undefined,
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]);
const SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
]);

/** The fields that violate the profile. */
export function restrictedProblems(pod: PodSpec): string[] {
  const containers = [
    ...pod.containers,
    ...(pod.initContainers ?? []),
    ...((pod.ephemeralContainers ?? []) as PodSpec['containers']),
  ];
  return [...podProblems(pod), ...containers.flatMap((container) => containerProblems(container, pod))];
}

function failed(checks: Record<string, boolean>): string[] {
  return Object.entries(checks).flatMap(([field, passes]) => (passes ? [] : [field]));
}

function podProblems({ securityContext = {}, volumes = [], ...pod }: PodSpec): string[] {
  const kinds = volumes.flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'));
  return failed({
    hostNetwork: !pod.hostNetwork,
    hostPID: !pod.hostPID,
    hostIPC: !pod.hostIPC,
    volumes: kinds.every((kind) => VOLUMES.has(kind)),
    'securityContext.sysctls': (securityContext.sysctls ?? []).every(({ name }) => SYSCTLS.has(name)),
    'securityContext.runAsNonRoot': securityContext.runAsNonRoot !== false,
    'securityContext.runAsUser': securityContext.runAsUser !== 0,
    'securityContext.seLinuxOptions': SELINUX.has(securityContext.seLinuxOptions?.type),
    'securityContext.windowsOptions': !securityContext.windowsOptions?.hostProcess,
  });
}

function containerProblems(
  { name, ports = [], securityContext = {} }: PodSpec['containers'][number],
  pod: PodSpec,
): string[] {
  const { capabilities, ...context } = securityContext;
  const seccomp = context.seccompProfile ?? pod.securityContext?.seccompProfile;
  return failed({
    privileged: !context.privileged,
    allowPrivilegeEscalation: context.allowPrivilegeEscalation === false,
    'capabilities.drop': (capabilities?.drop ?? []).includes('ALL'),
    'capabilities.add': (capabilities?.add ?? []).every((added) => added === 'NET_BIND_SERVICE'),
    hostPort: ports.every(({ hostPort }) => !hostPort),
    procMount: [undefined, 'Default'].includes(context.procMount),
    runAsNonRoot: (context.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) === true,
    runAsUser: context.runAsUser !== 0,
    seccompProfile: SECCOMP.has(seccomp?.type ?? ''),
    seLinuxOptions: SELINUX.has(context.seLinuxOptions?.type),
    appArmorProfile: context.appArmorProfile?.type !== 'Unconfined',
    windowsOptions: !context.windowsOptions?.hostProcess,
  }).map((field) => `${name}: ${field}`);
}
