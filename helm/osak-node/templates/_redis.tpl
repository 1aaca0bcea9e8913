{{/*
How a Redis is reached. Each takes a dict: settings (as storage.redis), folder (a name below /etc/osak) and addresses.
*/}}

{{/* The connection's lines in node.yaml. */}}
{{- define "osak-node.redisConnection" -}}
{{- $folder := printf "/etc/osak/%s" .folder -}}
{{- with .settings -}}
mode: {{ .mode }}
addresses: {{ $.addresses | toJson }}
database: {{ .database | int }}
timeout_seconds: {{ .timeoutSeconds }}
max_connections: {{ .maxConnections | int }}
{{- with .master }}
master: {{ . | toJson }}
{{- end }}
{{- with .username }}
username: {{ . | toJson }}
{{- end }}
{{- if .password.existingSecret }}
password_file: {{ $folder }}/password/password
{{- end }}
{{- with .sentinelUsername }}
sentinel_username: {{ . | toJson }}
{{- end }}
{{- if .sentinelPassword.existingSecret }}
sentinel_password_file: {{ $folder }}/sentinel/password
{{- end }}
{{- if .tls.enabled }}
tls:
  {{- if .tls.existingSecret }}
  ca_file: {{ $folder }}/tls/ca.crt
  {{- if .tls.clientCertificate }}
  certificate_file: {{ $folder }}/tls/tls.crt
  key_file: {{ $folder }}/tls/tls.key
  {{- end }}
  {{- else }} {}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What a pod mounts for it: a list of {name, path, secret, items}, as JSON. */}}
{{- define "osak-node.redisSecrets" -}}
{{- $found := list -}}
{{- with .settings -}}
{{- if .password.existingSecret -}}
{{- $found = append $found (dict "name" (printf "%s-password" $.folder) "path" (printf "%s/password" $.folder) "secret" .password.existingSecret "items" (dict .password.key "password")) -}}
{{- end -}}
{{- if .sentinelPassword.existingSecret -}}
{{- $found = append $found (dict "name" (printf "%s-sentinel" $.folder) "path" (printf "%s/sentinel" $.folder) "secret" .sentinelPassword.existingSecret "items" (dict .sentinelPassword.key "password")) -}}
{{- end -}}
{{- if and .tls.enabled .tls.existingSecret -}}
{{- $items := dict "ca.crt" "ca.crt" -}}
{{- if .tls.clientCertificate -}}
{{- $items = merge $items (dict "tls.crt" "tls.crt" "tls.key" "tls.key") -}}
{{- end -}}
{{- $found = append $found (dict "name" (printf "%s-tls" $.folder) "path" (printf "%s/tls" $.folder) "secret" .tls.existingSecret "items" $items) -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{/* storage.redis, or what it must be to reach the Redis that this chart runs; as JSON. */}}
{{- define "osak-node.storageRedis" -}}
{{- $own := deepCopy .Values.storage.redis -}}
{{- if .Values.redis.enabled -}}
{{- $host := include "osak-node.nameOf" (list . "redis") -}}
{{- $tls := dict "enabled" (ne .Values.redis.tls.existingSecret "") "existingSecret" .Values.redis.tls.existingSecret "clientCertificate" false -}}
{{- $own = merge (dict "mode" "server" "addresses" (list (printf "%s:6379" $host)) "username" "osak" "password" (dict "existingSecret" .Values.redis.auth.existingSecret "key" "password") "tls" $tls) $own -}}
{{- end -}}
{{- $own | toJson -}}
{{- end -}}
