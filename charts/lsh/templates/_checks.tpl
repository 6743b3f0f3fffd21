{{/* Values that contradict each other. The schema says of each value what it may be; only here can be said, in a
     sentence, why two of them do not go together. All are told at once. */}}
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
{{- $problems = append $problems "rbac.scope is Namespaced, but namespaces is empty: name the namespaces whose LshJobs are to be carried out, or set rbac.scope to Cluster." }}
{{- end }}
{{- if and (not .serviceAccount.create) (empty .serviceAccount.name) }}
{{- $problems = append $problems "serviceAccount.create is false, but serviceAccount.name is empty: name the account that the operator should be." }}
{{- end }}
{{- if and .metrics.serviceMonitor.enabled (not .metrics.service.enabled) }}
{{- $problems = append $problems "metrics.serviceMonitor.enabled needs metrics.service.enabled: it is the Service that is scraped." }}
{{- end }}
{{- if .shell.enabled }}
{{- if eq (int .shell.runAsUser) (int .controller.runAsUser) }}
{{- $problems = append $problems (printf "shell.runAsUser and controller.runAsUser are both %d: commands could then reach what belongs to the controller." (int .shell.runAsUser)) }}
{{- end }}
{{- if .namespaces }}
{{- range include "lsh.shellNamespaces" $ | fromYamlArray }}
{{- if not (has . $.Values.namespaces) }}
{{- $problems = append $problems (printf "LshJobs of the namespace %s may have shell runs, but it is not among namespaces: set shell.namespaces to some of those, or shell.enabled to false." .) }}
{{- end }}
{{- end }}
{{- end }}
{{- else }}
{{- if .shell.namespaces }}
{{- $problems = append $problems "shell.namespaces is set, but shell.enabled is false." }}
{{- end }}
{{- if .secretsKey.existingSecret }}
{{- $problems = append $problems "secretsKey.existingSecret is set, but shell.enabled is false: only commands of shell runs are given the key." }}
{{- end }}
{{- end }}
{{- if and .supabase.existingSecret (include "lsh.hasVariable" (dict "env" .controller.extraEnv "names" (list "SUPABASE_URL" "SUPABASE_SERVICE_ROLE_KEY"))) }}
{{- $problems = append $problems "controller.extraEnv has SUPABASE_URL or SUPABASE_SERVICE_ROLE_KEY, and so has supabase.existingSecret: leave one of them." }}
{{- end }}
{{- if and .secretsKey.existingSecret (include "lsh.hasVariable" (dict "env" .shell.extraEnv "names" (list "LSH_SECRETS_KEY"))) }}
{{- $problems = append $problems "shell.extraEnv has LSH_SECRETS_KEY, and so has secretsKey.existingSecret: leave one of them." }}
{{- end }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\nThe values contradict each other:\n  - %s\n" (join "\n  - " $problems)) }}
{{- end }}
{{- end }}

{{/* Not empty when one of the variables has one of the names. */}}
{{- define "lsh.hasVariable" -}}
{{- $names := .names }}
{{- range .env }}
{{- if has .name $names }}{{ .name }}{{ end }}
{{- end }}
{{- end }}
