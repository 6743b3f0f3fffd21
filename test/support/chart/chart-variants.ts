// Releases of the chart that differ as much as its values allow.
import type { Release } from './chart.ts';

/** Sets of values that render different objects. */
export const VARIANTS: Record<string, { values?: object; release?: Release }> = {
  'the defaults': {},
  'high availability': { release: { files: ['values-ha.yaml'] } },
  'some namespaces': {
    values: {
      namespaces: ['team-a', 'team-b'],
      rbac: { scope: 'Namespaced', aggregate: false },
      shell: { namespaces: ['team-a'] },
    },
  },
  'without shell runs': { values: { shell: { enabled: false } } },
  'without a lease': { values: { leaderElection: { enabled: false } } },
  everything: {
    release: { name: 'team', files: ['values-ha.yaml'] },
    values: {
      image: { digest: `sha256:${'0'.repeat(64)}` },
      imagePullSecrets: [{ name: 'registry' }],
      commonLabels: { team: 'a' },
      commands: { allowList: ['date', 'echo'] },
      controller: { extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=256' }] },
      calendars: { 'freeze.txt': '2026-12-24 # Christmas\n', 'bank-holidays.ics': 'BEGIN:VCALENDAR\n' },
      shell: {
        secretsEnv: ['prod', 'staging'],
        image: 'registry.example.com/lsh-with-tools:1',
        extraEnv: [{ name: 'TZ', value: 'Europe/Berlin' }],
        extraVolumeMounts: [{ name: 'keys', mountPath: '/keys', readOnly: true }],
      },
      supabase: { existingSecret: 'lsh-supabase', urlKey: 'url', serviceRoleKeyKey: 'service_role' },
      secretsKey: { existingSecret: 'lsh-secrets-key', key: 'identity.txt' },
      extraVolumes: [{ name: 'keys', secret: { secretName: 'keys', defaultMode: 288 } }],
      podLabels: { 'example.com/tier': 'jobs' },
      podAnnotations: { 'example.com/why': 'because' },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'batch', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'system-cluster-critical',
      networkPolicy: {
        metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
        egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }] }],
      },
      metrics: {
        service: { annotations: { 'example.com/scraped': 'yes' } },
        serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
        prometheusRule: {
          enabled: true,
          labels: { release: 'prometheus' },
          notSucceeded: [{ job: 'backup', hours: 26 }],
        },
        dashboard: { enabled: true, annotations: { folder: 'jobs' } },
      },
      extraObjects: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'extra', namespace: '{{ .Release.Namespace }}' },
          data: { release: '{{ .Release.Name }}' },
        },
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include "lsh.fullname" . }}-extra',
      ],
    },
  },
};
