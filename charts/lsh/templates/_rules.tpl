{{/* The operator's rights, the same as in deploy/rbac; a test removes them one by one to see that each is needed. */}}
{{- define "lsh.rules" -}}
- apiGroups: [lsh.dev]
  resources: [lshjobs]
  # get: after a conflict, past a watch that is behind.
  verbs: [get, list, watch]
- apiGroups: [lsh.dev]
  resources: [lshjobs/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  # get: whose a Job is whose name was taken. delete: stopped runs, and those beyond the history limits.
  verbs: [get, list, watch, create, delete]
- apiGroups: ['']
  resources: [pods]
  # Exit codes, and why a Pod does not start.
  verbs: [list, watch]
- apiGroups: ['']
  resources: [pods/log]
  verbs: [get]
- apiGroups: ['']
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The operator's account, as a subject of bindings. */}}
{{- define "lsh.subject" -}}
- kind: ServiceAccount
  name: {{ include "lsh.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
