{{/* The two containers of the pod, and their shared parts. */}}

{{/* PodSecurity's restricted profile, for a container of the given user. */}}
{{- define "lsh.securityContext" -}}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
runAsNonRoot: true
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
{{- end }}

{{/* In a subdirectory, because the socket's directory must belong to the runner, and a volume's root does not. */}}
{{- define "lsh.socket" -}}
/run/lsh/runner/runner.sock
{{- end }}

{{/* Variables that both processes must agree on. */}}
{{- define "lsh.sharedEnv" -}}
- name: NODE_ENV
  value: production
- name: LSH_LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- if .Values.commands.allowDangerous }}
- name: LSH_ALLOW_DANGEROUS_COMMANDS
  value: 'true'
{{- end }}
{{- with .Values.commands.allowDangerousJobs }}
- name: LSH_ALLOW_DANGEROUS_JOBS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.commands.allowList }}
- name: LSH_COMMAND_ALLOW_LIST
  value: {{ join "," . | quote }}
{{- end }}
{{- if .Values.shell.enabled }}
- name: LSH_RUNNER_LEASE
  value: {{ int .Values.shell.leaseSeconds }}s
- name: LSH_RUNNER_GRACE
  value: {{ int .Values.shell.graceSeconds }}s
{{- end }}
{{- end }}

{{/* A variable from a Secret. Arguments: name of the variable, name of the Secret, key of the Secret. */}}
{{- define "lsh.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .key | quote }}
{{- end }}

{{/* What Kubernetes Jobs get whose LshJob sets none, as JSON. */}}
{{- define "lsh.jobDefaults" -}}
{{- with .Values.jobs }}
{{- $defaults := dict "resources" .resources }}
{{- if ne .restrict "None" }}
{{- $_ := set $defaults "podSecurityContext" .podSecurityContext }}
{{- $_ := set $defaults "securityContext" .securityContext }}
{{- $_ := set $defaults "ownImages" (eq .restrict "All") }}
{{- end }}
{{- toJson $defaults }}
{{- end }}
{{- end }}

{{- define "lsh.controllerContainer" -}}
name: controller
image: {{ include "lsh.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [controller]
env:
  # The controller stores nothing, so it needs no home.
  - name: HOME
    value: /nonexistent
  {{- include "lsh.sharedEnv" . | nindent 2 }}
  {{- with .Values.namespaces }}
  - name: LSH_NAMESPACES
    value: {{ join "," . | quote }}
  {{- end }}
  - name: LSH_WORKERS
    value: {{ int .Values.controller.workers | quote }}
  - name: LSH_MAX_STARTS_PER_SECOND
    value: {{ int .Values.controller.maxStartsPerSecond | quote }}
  - name: LSH_EVALUATION_INTERVAL
    value: {{ int .Values.controller.evaluationIntervalSeconds }}s
  - name: LSH_LEADER_ELECT
    value: {{ .Values.leaderElection.enabled | quote }}
  - name: LSH_LEASE_DURATION
    value: {{ int .Values.leaderElection.leaseDurationSeconds }}s
  - name: LSH_HTTP_PORT
    value: '8080'
  - name: LSH_METRICS_PER_JOB
    value: {{ int .Values.metrics.perJob | quote }}
  {{- with .Values.notices.channels }}
  - name: LSH_NOTIFY
    value: {{ join "," . | quote }}
  {{- end }}
  {{- if .Values.notices.channelsSecret }}
  - name: LSH_CHANNELS_FILE
    value: /etc/lsh/channels/channels.json
  {{- end }}
  - name: LSH_JOB_IMAGE
    value: {{ .Values.controller.jobImage | quote }}
  - name: LSH_JOB_DEFAULTS
    value: {{ include "lsh.jobDefaults" . | quote }}
  - name: LSH_SHELL
    value: {{ ternary (include "lsh.socket" .) "off" .Values.shell.enabled | quote }}
  {{- if .Values.shell.enabled }}
  - name: LSH_SHELL_NAMESPACES
    value: {{ include "lsh.shellNamespaces" . | fromYamlArray | join "," | quote }}
  {{- end }}
  {{- with .Values.supabase }}
  {{- if .existingSecret }}
  {{- include "lsh.secretVariable" (dict "name" "SUPABASE_URL" "secret" .existingSecret "key" .urlKey) | nindent 2 }}
  {{- include "lsh.secretVariable" (dict "name" "SUPABASE_SERVICE_ROLE_KEY" "secret" .existingSecret "key" .serviceRoleKeyKey) | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- with .Values.controller.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: http
    containerPort: 8080
livenessProbe:
  httpGet:
    path: /healthz
    port: http
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet:
    path: /readyz
    port: http
  periodSeconds: 5
  timeoutSeconds: 5
resources:
  {{- toYaml .Values.controller.resources | nindent 2 }}
securityContext:
  {{- include "lsh.securityContext" .Values.controller.runAsUser | nindent 2 }}
volumeMounts:
  - name: token
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
  - name: calendars
    mountPath: /etc/lsh/calendars
    readOnly: true
  {{- if .Values.notices.channelsSecret }}
  - name: channels
    mountPath: /etc/lsh/channels
    readOnly: true
  {{- end }}
  {{- if .Values.shell.enabled }}
  - name: socket
    mountPath: /run/lsh
    readOnly: true
  {{- end }}
{{- end }}

{{- define "lsh.shellContainer" -}}
name: shell
image: {{ default (include "lsh.image" .) .Values.shell.image }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [runner]
env:
  - name: HOME
    value: /home/lsh
  {{- include "lsh.sharedEnv" . | nindent 2 }}
  - name: LSH_STATE_DIR
    value: /var/lib/lsh
  - name: LSH_RUNNER_SOCKET
    value: {{ include "lsh.socket" . }}
  - name: LSH_RUNNER_GROUP_ACCESS
    value: 'true'
  - name: LSH_MAX_CONCURRENT_RUNS
    value: {{ int .Values.shell.maxConcurrentRuns | quote }}
  - name: LSH_MAX_OUTPUT_BYTES
    value: {{ int .Values.shell.maxOutputMiB }}MiB
  {{- if .Values.shell.secretsEnv }}
  - name: LSH_DELIVERED_SECRETS
    value: /etc/lsh/secrets
  {{- end }}
  {{- with .Values.secretsKey }}
  {{- if .existingSecret }}
  {{- include "lsh.secretVariable" (dict "name" "LSH_SECRETS_KEY" "secret" .existingSecret "key" .key) | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- with .Values.shell.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml .Values.shell.resources | nindent 2 }}
securityContext:
  {{- include "lsh.securityContext" .Values.shell.runAsUser | nindent 2 }}
volumeMounts:
  - name: socket
    mountPath: /run/lsh
  # Survives a restart of the container, so that the runner can tell runs that never started from lost runs.
  - name: state
    mountPath: /var/lib/lsh
  - name: home
    mountPath: /home/lsh
  - name: tmp
    mountPath: /tmp
  {{- range .Values.shell.secretsEnv }}
  - name: secrets-{{ . }}
    mountPath: /etc/lsh/secrets/{{ $.Release.Namespace }}/{{ . }}
    readOnly: true
  {{- end }}
  {{- with .Values.shell.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
