{{/* Refuses values that contradict each other, all in one message. The schema can check single values only. */}}
{{- define "lsh.check" -}}
{{- $problems := list }}
{{- with .Values }}
{{- if and (gt (int .replicas) 1) (not .leaderElection.enabled) }}
{{- $problems = append $problems (printf "replicas is %d, but without leaderElection.enabled each of them would carry out every job: enable it, or set replicas to 1." (int .replicas)) }}
{{- end }}
{{- if and .podDisruptionBudget.enabled (lt (int .replicas) 2) }}
{{- $problems = append $problems (printf "podDisruptionBudget.enabled needs two replicas, and replicas is %d: with one, either the budget means nothing or its node cannot be drained." (int .replicas)) }}
{{- end }}
{{- if and (eq .rbac.scope "Namespaced") (empty .namespaces) }}
{{- $problems = append $problems "rbac.scope is Namespaced, but namespaces is empty: name the namespaces whose LshJobs the operator carries out, or set rbac.scope to Cluster." }}
{{- end }}
{{- if and (not .serviceAccount.create) (empty .serviceAccount.name) }}
{{- $problems = append $problems "serviceAccount.create is false, but serviceAccount.name is empty: name the operator's service account." }}
{{- end }}
{{- if and .metrics.serviceMonitor.enabled (not .metrics.service.enabled) }}
{{- $problems = append $problems "metrics.serviceMonitor.enabled needs metrics.service.enabled: Prometheus scrapes that Service." }}
{{- end }}
{{- if .shell.enabled }}
{{- if eq (int .shell.runAsUser) (int .controller.runAsUser) }}
{{- $problems = append $problems (printf "shell.runAsUser and controller.runAsUser are both %d: commands could then reach the controller's processes and files." (int .shell.runAsUser)) }}
{{- end }}
{{- if .namespaces }}
{{- range include "lsh.shellNamespaces" $ | fromYamlArray }}
{{- if not (has . $.Values.namespaces) }}
{{- $problems = append $problems (printf "LshJobs of the namespace %s may have shell runs, but it is not among namespaces: set shell.namespaces to some of namespaces, or shell.enabled to false." .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .shell.secretsEnv (not (has $.Release.Namespace (include "lsh.shellNamespaces" $ | fromYamlArray))) }}
{{- $problems = append $problems (printf "shell.secretsEnv mounts Secrets of %s, the release's own namespace, but shell.namespaces does not list it: no LshJob could use them." $.Release.Namespace) }}
{{- end }}
{{- else }}
{{- if .shell.namespaces }}
{{- $problems = append $problems "shell.namespaces is set, but shell.enabled is false." }}
{{- end }}
{{- if .shell.secretsEnv }}
{{- $problems = append $problems "shell.secretsEnv is set, but shell.enabled is false: only the shell container mounts these Secrets." }}
{{- end }}
{{- if .secretsKey.existingSecret }}
{{- $problems = append $problems "secretsKey.existingSecret is set, but shell.enabled is false: only commands of shell runs get the key." }}
{{- end }}
{{- end }}
{{- if and .supabase.existingSecret (include "lsh.hasVariable" (dict "env" .controller.extraEnv "names" (list "SUPABASE_URL" "SUPABASE_SERVICE_ROLE_KEY"))) }}
{{- $problems = append $problems "controller.extraEnv has SUPABASE_URL or SUPABASE_SERVICE_ROLE_KEY, and so has supabase.existingSecret: remove one of them." }}
{{- end }}
{{- if and .secretsKey.existingSecret (include "lsh.hasVariable" (dict "env" .shell.extraEnv "names" (list "LSH_SECRETS_KEY"))) }}
{{- $problems = append $problems "shell.extraEnv has LSH_SECRETS_KEY, and so has secretsKey.existingSecret: remove one of them." }}
{{- end }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\nThe values contradict each other:\n  - %s\n" (join "\n  - " $problems)) }}
{{- end }}
{{- end }}

{{/*
Refuses a definition that belongs to someone else, before helm does: helm's own message names annotations, and no way
out. `helm template` sees no cluster, and so no definition.
*/}}
{{- define "lsh.checkDefinition" -}}
{{- $name := "lshjobs.lsh.dev" }}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name }}
{{- $marks := default dict .metadata.annotations }}
{{- $release := get $marks "meta.helm.sh/release-name" }}
{{- $namespace := get $marks "meta.helm.sh/release-namespace" }}
{{- if not (and (eq $release $.Release.Name) (eq $namespace $.Release.Namespace)) }}
{{- $owner := "no release of helm, such as with kubectl apply" }}
{{- if $release }}{{ $owner = printf "the release %s in the namespace %s" $release $namespace }}{{ end }}
{{- $own := printf "kubectl annotate crd %s --overwrite meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s\n  kubectl label crd %s --overwrite app.kubernetes.io/managed-by=Helm" $name $.Release.Name $.Release.Namespace $name }}
{{- fail (printf "\n\nThe definition %s exists already and belongs to %s.\nA cluster has one definition for all releases: set crds.enabled=false, and this release uses it as it is.\nIf this release shall own and upgrade it from now on, first run\n  %s\n" $name $owner $own) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Yields text if a variable of the list has one of the names. */}}
{{- define "lsh.hasVariable" -}}
{{- $names := .names }}
{{- range .env }}
{{- if has .name $names }}{{ .name }}{{ end }}
{{- end }}
{{- end }}
