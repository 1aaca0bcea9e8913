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
{{- if .Values.redis.enabled -}}
{{- include "osak-node.toOwn" (list . "redis" (deepCopy .Values.storage.redis)) -}}
{{- else -}}
{{- .Values.storage.redis | toJson -}}
{{- end -}}
{{- end -}}

{{/* The pod of a Redis of the chart: (list . "redis") keeps shares, (list . "counter") counts rates and may forget. */}}
{{- define "osak-node.redisPod" -}}
{{- $component := index . 1 -}}
{{- $root := index . 0 -}}
{{- with $root -}}
{{- $resources := ternary .Values.redis.resources .Values.redis.counter.resources (eq $component "redis") -}}
{{- $ping := ternary "redis-cli --tls --cacert /etc/osak-redis/tls/ca.crt -e ping" "redis-cli -e ping" (ne .Values.redis.tls.existingSecret "") | splitList " " -}}
metadata:
  labels:
    {{- include "osak-node.labels" (list $root $component) | nindent 4 }}
  annotations:
    checksum/config: {{ include (printf "%s/%s-configmap.yaml" $root.Template.BasePath $component) $root | sha256sum }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 60
  securityContext:
    {{- include "osak-node.podSecurity" 999 | nindent 4 }}
  containers:
    - name: redis
      image: {{ include "osak-node.image" .Values.redis.image | quote }}
      imagePullPolicy: {{ .Values.redis.image.pullPolicy }}
      command: [redis-server, /etc/osak-redis/config/redis.conf]
      ports:
        - name: redis
          containerPort: 6379
      startupProbe:
        # Time to read the append-only file: about 4 seconds for a million shares.
        exec:
          command: {{ $ping | toJson }}
        periodSeconds: 2
        timeoutSeconds: 5
        failureThreshold: 300
      livenessProbe:
        exec:
          command: {{ $ping | toJson }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      securityContext:
        {{- include "osak-node.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml $resources | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/osak-redis/config
          readOnly: true
        - name: auth
          mountPath: /etc/osak-redis/auth
          readOnly: true
        {{- if .Values.redis.tls.existingSecret }}
        - name: tls
          mountPath: /etc/osak-redis/tls
          readOnly: true
        {{- end }}
        - name: data
          mountPath: /data
  volumes:
    - name: config
      configMap:
        name: {{ include "osak-node.nameOf" (list $root $component) | quote }}
    - name: auth
      secret:
        secretName: {{ .Values.redis.auth.existingSecret | quote }}
        defaultMode: 0440
        items:
          # The users with hashes of their passwords; the password itself is the node's.
          - key: users.acl
            path: users.acl
    {{- with .Values.redis.tls.existingSecret }}
    - name: tls
      secret:
        secretName: {{ . | quote }}
        defaultMode: 0440
        items:
          {{- range list "ca.crt" "tls.crt" "tls.key" }}
          - key: {{ . | quote }}
            path: {{ . | quote }}
          {{- end }}
    {{- end }}
    {{- if eq $component "counter" }}
    - name: data
      emptyDir:
        sizeLimit: 64Mi
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The lines of redis.conf about ports, TLS and users, which both have. */}}
{{- define "osak-node.redisConnections" -}}
bind *
{{- if .Values.redis.tls.existingSecret }}
port 0
tls-port 6379
tls-cert-file /etc/osak-redis/tls/tls.crt
tls-key-file /etc/osak-redis/tls/tls.key
tls-ca-cert-file /etc/osak-redis/tls/ca.crt
tls-auth-clients no
tls-protocols "TLSv1.3"
{{- else }}
port 6379
{{- end }}
# Users and what they may do; whoever is none of them may ping.
aclfile /etc/osak-redis/auth/users.acl
protected-mode no
dir /data
{{- end -}}

{{/* Whether the chart runs a Redis that counts rates. */}}
{{- define "osak-node.runsCounter" -}}
{{- if and .Values.redis.enabled .Values.redis.counter.enabled }}true{{ end -}}
{{- end -}}

{{/* limits.counter, or what it must be to reach the counter that this chart runs; as JSON, {} if rates are not counted together. */}}
{{- define "osak-node.counter" -}}
{{- $found := dict -}}
{{- if .Values.limits.counter.enabled -}}
{{- $found = .Values.limits.counter -}}
{{- else if include "osak-node.runsCounter" . -}}
{{- $found = include "osak-node.toOwn" (list . "counter" (deepCopy .Values.limits.counter)) | fromJson -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{/* The settings to reach a Redis of the chart: (list . COMPONENT SETTINGS); as JSON. */}}
{{- define "osak-node.toOwn" -}}
{{- $component := index . 1 -}}
{{- $settings := index . 2 -}}
{{- with index . 0 -}}
{{- $tls := dict "enabled" (ne .Values.redis.tls.existingSecret "") "existingSecret" .Values.redis.tls.existingSecret "clientCertificate" false -}}
{{- $address := printf "%s:6379" (include "osak-node.nameOf" (list . $component)) -}}
{{- $password := dict "existingSecret" .Values.redis.auth.existingSecret "key" "password" -}}
{{- merge (dict "mode" "server" "addresses" (list $address) "username" "osak" "password" $password "tls" $tls) $settings | toJson -}}
{{- end -}}
{{- end -}}
