{{/* The name of the node's objects. */}}
{{- define "osak-node.name" -}}
{{- .Release.Name | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of an object beside the node: {{ include "osak-node.nameOf" (list . "redis") }} */}}
{{- define "osak-node.nameOf" -}}
{{- printf "%s-%s" (include "osak-node.name" (index . 0)) (index . 1) -}}
{{- end -}}

{{/* What selects the pods of a component (node, redis, counter or test); it never changes during the life of a release. */}}
{{- define "osak-node.matchLabels" -}}
app.kubernetes.io/name: osak-node
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* What every object of a component carries. */}}
{{- define "osak-node.labels" -}}
{{ include "osak-node.matchLabels" . }}
{{- with index . 0 }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
{{- end -}}

{{- define "osak-node.image" -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository .tag -}}
{{- end -}}
{{- end -}}

{{- define "osak-node.nodeImage" -}}
{{- include "osak-node.image" (dict "repository" .Values.image.repository "tag" (.Values.image.tag | default .Chart.AppVersion) "digest" .Values.image.digest) -}}
{{- end -}}

{{/* The host of node.publicURL, without port and brackets. */}}
{{- define "osak-node.host" -}}
{{- get (urlParse .Values.node.publicURL) "hostname" -}}
{{- end -}}

{{- define "osak-node.isRedis" -}}
{{- if eq .Values.storage.kind "redis" }}true{{ end -}}
{{- end -}}

{{/* A StatefulSet where processes have volumes of their own, a Deployment where they do not. */}}
{{- define "osak-node.workload" -}}
{{- if and (include "osak-node.isRedis" .) (not (and .Values.audit.enabled .Values.audit.claimEach)) -}}
Deployment
{{- else -}}
StatefulSet
{{- end -}}
{{- end -}}

{{/* The file of an SQLite that is moved away from has one process, as it always had. */}}
{{- define "osak-node.movesFromSQLite" -}}
{{- if eq .Values.movingFrom.kind "sqlite" }}true{{ end -}}
{{- end -}}

{{- define "osak-node.replicas" -}}
{{- if .Values.replicas -}}
{{- .Values.replicas | int -}}
{{- else -}}
{{- ternary 2 1 (and (eq .Values.storage.kind "redis") (not (include "osak-node.movesFromSQLite" .))) -}}
{{- end -}}
{{- end -}}

{{/* The claim of the audit log that all processes of a Deployment share; empty where there is none. */}}
{{- define "osak-node.auditClaim" -}}
{{- if and .Values.audit.enabled (eq (include "osak-node.workload" .) "Deployment") -}}
{{- .Values.audit.existingClaim | default (include "osak-node.nameOf" (list . "audit")) -}}
{{- end -}}
{{- end -}}

{{- define "osak-node.tlsSecret" -}}
{{- .Values.tls.existingSecret | default (include "osak-node.nameOf" (list . "tls")) -}}
{{- end -}}

{{/* A duration of the node's YAML (300s, 10m, 12h, 3650d) in seconds. */}}
{{- define "osak-node.seconds" -}}
{{- $unit := . | trunc -1 -}}
{{- mul (trimSuffix $unit . | int64) (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) -}}
{{- end -}}

{{/* Drain, then requests under way at each public port, then audit log, store and the last log lines. */}}
{{- define "osak-node.gracePeriod" -}}
{{- $requests := include "osak-node.seconds" .Values.limits.shutdownTimeout | int64 -}}
{{- add .Values.drainSeconds (mul $requests (ternary 2 1 .Values.capsules.enabled)) 10 -}}
{{- end -}}

{{/* What the restricted profile of Kubernetes asks of a pod, and more. */}}
{{- define "osak-node.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "osak-node.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A claim's spec: {{ include "osak-node.claim" (list MODE VALUES) }} with size and storageClass in VALUES. */}}
{{- define "osak-node.claim" -}}
{{- $values := index . 1 -}}
accessModes: [{{ index . 0 }}]
{{- with $values.storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ $values.size }}
{{- end -}}

{{/* Ports in a NetworkPolicy: {{ include "osak-node.tcp" (list 6379) }} */}}
{{- define "osak-node.tcp" -}}
{{- $ports := list -}}
{{- range . -}}
{{- $ports = append $ports (dict "protocol" "TCP" "port" (int .)) -}}
{{- end -}}
{{- $ports | toYaml -}}
{{- end -}}

{{/* Egress to where names are resolved. */}}
{{- define "osak-node.dnsEgress" -}}
- ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
  to:
    {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
{{- end -}}
