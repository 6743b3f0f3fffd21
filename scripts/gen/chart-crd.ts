// The definition of LshJob as a template of the chart, so that an upgrade brings its newest form and the values say
// whether it is brought, and kept.
import { stringify } from 'yaml';
import { lshJobCrd } from './crd.ts';

/** Servers before it refuse a definition with rules as one with an unknown field; there the operator says the same. */
const RULES_SINCE = '1.23';

/** The template’s text. */
export function chartCrd(): string {
  const { apiVersion, kind, metadata, spec } = lshJobCrd();
  const body = stringify({ spec }, { aliasDuplicateObjects: false, lineWidth: 110 });
  if (body.includes('{{')) throw new Error('helm would take a part of the definition for a template');
  return `{{- /* Generated from src/core/job.ts by \`npm run gen\`; edit that instead. */ -}}
{{- if .Values.crds.enabled }}
{{- $rules := semverCompare ">=${RULES_SINCE}-0" .Capabilities.KubeVersion.Version }}
apiVersion: ${apiVersion}
kind: ${kind}
metadata:
  name: ${metadata?.name}
  labels:
    {{- include "lsh.labels" . | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
${withOptionalRules(body)}{{- end }}
`;
}

/** Each list of rules, which is a key and the lines that are further in, becomes a condition. */
function withOptionalRules(yaml: string): string {
  return yaml.replaceAll(
    /^( *)x-kubernetes-validations:\n(?:\1 .*\n)+/gm,
    (block) => `{{- if $rules }}\n${block}{{- end }}\n`,
  );
}
