{{/* The name of every object of this release. */}}
{{- define "osak-node.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* What selects the pod; it never changes during the life of a release. */}}
{{- define "osak-node.matchLabels" -}}
app.kubernetes.io/name: osak-node
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What every object carries. */}}
{{- define "osak-node.labels" -}}
{{ include "osak-node.matchLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
