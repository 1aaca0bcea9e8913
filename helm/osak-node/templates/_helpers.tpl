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
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
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

{{/* The host of node.publicURL, without port and brackets, as Kubernetes wants names. */}}
{{- define "osak-node.host" -}}
{{- get (urlParse .Values.node.publicURL) "hostname" | lower -}}
{{- end -}}

{{/* Whether that host is an IP address: a certificate can have it, a name in a handshake cannot. */}}
{{- define "osak-node.hostIsAddress" -}}
{{- if regexMatch "^([0-9]+\\.){3}[0-9]+$|:" (include "osak-node.host" .) }}true{{ end -}}
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

{{/* Whole hours of a duration of cert-manager (2160h, 12h30m). */}}
{{- define "osak-node.hours" -}}
{{- regexFind "^[0-9]+" . -}}
{{- end -}}

{{/* A quantity of memory (512Mi, 1Gi) or Redis's own way to say it (768mb, 1gb) in MiB; empty for other spellings. */}}
{{- define "osak-node.mebibytes" -}}
{{- if regexMatch "^[0-9]+(Mi|Gi|mb|gb)$" (toString .) -}}
{{- mul (regexFind "^[0-9]+" . | int64) (ternary 1024 1 (hasPrefix "g" (regexFind "[a-zA-Z]+$" . | lower))) -}}
{{- end -}}
{{- end -}}

{{/* Drain, then requests under way at each public port, then audit log, store and the last log lines, then the last spans. */}}
{{- define "osak-node.gracePeriod" -}}
{{- $requests := include "osak-node.seconds" .Values.limits.shutdownTimeout | int64 -}}
{{- add .Values.drainSeconds (mul $requests (ternary 2 1 .Values.capsules.enabled)) 10 (ternary 10 0 (ne .Values.traces.endpoint "")) -}}
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
storageClassName: {{ . | quote }}
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

{{/* The port of a URL: {{ include "osak-node.portOf" "https://a:1/b" }} */}}
{{- define "osak-node.portOf" -}}
{{- $url := urlParse . -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary 443 80 (eq $url.scheme "https")) -}}
{{- end -}}

{{/*
NetworkPolicyPeers for whom the node asks about certificates unless networkPolicy.authorities says: public addresses, and those
that revocation.networks names. The node asks no other; so nobody in it reaches a cloud's metadata, Kubernetes or a neighbour there.
*/}}
{{- define "osak-node.publicPeers" -}}
{{- $peers := list
  (dict "ipBlock" (dict "cidr" "0.0.0.0/0" "except" (list "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "169.254.0.0/16" "172.16.0.0/12" "192.168.0.0/16" "198.18.0.0/15" "224.0.0.0/3")))
  (dict "ipBlock" (dict "cidr" "2000::/3")) -}}
{{- $networks := .Values.trust.revocation.networks -}}
{{- if .Values.capsules.enabled -}}
{{- $networks = concat $networks .Values.capsules.revocation.networks -}}
{{- end -}}
{{- range uniq $networks -}}
{{- $single := ternary "/128" "/32" (contains ":" .) -}}
{{- $peers = append $peers (dict "ipBlock" (dict "cidr" (ternary . (printf "%s%s" . $single) (contains "/" .)))) -}}
{{- end -}}
{{- $peers | toYaml -}}
{{- end -}}

{{/* Egress to where names are resolved. */}}
{{- define "osak-node.dnsEgress" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - protocol: UDP
      port: {{ . | int }}
    - protocol: TCP
      port: {{ . | int }}
    {{- end }}
  to:
    {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
{{- end -}}
