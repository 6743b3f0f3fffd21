{{/* The operator's rights, as in deploy/rbac; a test removes each verb in turn to prove that it is needed. */}}
{{- define "lsh.rules" -}}
- apiGroups: [lsh.dev]
  resources: [lshjobs]
  # get: reads the object after a conflict, because the watch may lag.
  verbs: [get, list, watch]
- apiGroups: [lsh.dev]
  resources: [lshjobs/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  # get: finds the owner of a Job whose name is taken. delete: stopped runs, and runs beyond the history limits.
  verbs: [get, list, watch, create, delete]
- apiGroups: ['']
  resources: [pods]
  # Exit codes, and the reasons why a Pod does not start. patch: a stop passes the Pod's deadline, so that its log stays.
  verbs: [list, watch, patch]
- apiGroups: ['']
  resources: [pods/log]
  verbs: [get]
- apiGroups: ['']
  resources: [events]
  # list: why a Job gets no Pod, and why a volume does not mount.
  verbs: [create, patch, list]
{{- end }}

{{/* The operator's account, as a subject of bindings. */}}
{{- define "lsh.subject" -}}
- kind: ServiceAccount
  name: {{ include "lsh.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
