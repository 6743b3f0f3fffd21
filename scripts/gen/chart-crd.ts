// The definition of LshJob as a template of the chart: an upgrade installs its newest version, and values decide
// whether the chart installs and keeps it.
import { stringify } from 'yaml';
import { lshJobCrd } from './crd.ts';

/** First server that accepts rules in a definition. On older servers the operator alone checks them. */
const RULES_SINCE = '1.23';

/** The template’s text. */
export function chartCrd(): string {
  const { apiVersion, kind, metadata, spec } = lshJobCrd();
  const body = stringify({ spec }, { aliasDuplicateObjects: false, lineWidth: 110 });
  if (body.includes('{{')) throw new Error('helm would read a part of the definition as a template');
  return `{{- /* Generated from src/core/spec/ by \`npm run gen\`; edit that instead. */ -}}
{{- if .Values.crds.enabled }}
{{- include "lsh.checkDefinition" . }}
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

/** Wraps each list of rules (a key and the lines indented below it) in a condition. */
function withOptionalRules(yaml: string): string {
  return yaml.replaceAll(
    /^( *)x-kubernetes-validations:\n(?:\1 .*\n)+/gm,
    (block) => `{{- if $rules }}\n${block}{{- end }}\n`,
  );
}
