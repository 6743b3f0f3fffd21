{{/* The names, labels and images that several objects share. */}}

{{- define "lsh.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "lsh.fullname" -}}
{{- $name := include "lsh.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "lsh.controllerName" -}}
{{ include "lsh.fullname" . }}-controller
{{- end }}

{{- define "lsh.serviceAccountName" -}}
{{- default (include "lsh.controllerName" .) .Values.serviceAccount.name }}
{{- end }}

{{/* Selects the operator's pods; must never change within the life of a release. */}}
{{- define "lsh.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lsh.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{/* Labels of every object except pods. */}}
{{- define "lsh.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "lsh.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lsh
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "lsh.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The namespaces that may have shell runs, as a list in YAML. */}}
{{- define "lsh.shellNamespaces" -}}
{{- default (list .Release.Namespace) .Values.shell.namespaces | toYaml }}
{{- end }}

{{/* Namespace for the LshJobs of `helm test`: the release's own, if the operator serves it. */}}
{{- define "lsh.testNamespace" -}}
{{- if or (empty .Values.namespaces) (has .Release.Namespace .Values.namespaces) }}
{{- .Release.Namespace }}
{{- else }}
{{- first .Values.namespaces }}
{{- end }}
{{- end }}
