{{/* Certificates and keys of auth servers that stand in values, by the name of their file in /etc/osak/trust; as JSON. */}}
{{- define "osak-node.certificates" -}}
{{- $found := dict -}}
{{- range $name, $pem := .Values.trust.anchors -}}
{{- $_ := set $found (printf "anchor-%s.pem" $name) $pem -}}
{{- end -}}
{{- range $name, $pem := .Values.trust.intermediates -}}
{{- $_ := set $found (printf "intermediate-%s.pem" $name) $pem -}}
{{- end -}}
{{- if .Values.capsules.enabled -}}
{{- range $name, $pem := .Values.capsules.anchors -}}
{{- $_ := set $found (printf "capsules-%s.pem" $name) $pem -}}
{{- end -}}
{{- end -}}
{{- range $number, $sender := .Values.uploads.senders -}}
{{- with $sender.certificate -}}
{{- $_ := set $found (printf "sender-%d.pem" $number) . -}}
{{- end -}}
{{- end -}}
{{- range $number, $server := .Values.sessions.authServers -}}
{{- $_ := set $found (printf "auth-server-%d.json" $number) $server.keys -}}
{{- end -}}
{{- with .Values.traces.ca -}}
{{- $_ := set $found "traces.pem" . -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{/* The node's configuration. The tests give it to the node's own loader. */}}
{{- define "osak-node.nodeYAML" -}}
id: {{ .Values.node.id | toJson }}
organisation: {{ .Values.node.organisation | toJson }}
roles: [shares{{ if .Values.capsules.enabled }}, capsules{{ end }}]
public_url: {{ .Values.node.publicURL | toJson }}
listen: 0.0.0.0:8443
tls:
  certificate_file: /etc/osak/tls/tls.crt
  key_file: /etc/osak/tls/tls.key
storage:
  {{- if include "osak-node.isRedis" . }}
  {{- $settings := include "osak-node.storageRedis" . | fromJson }}
  kind: redis
  {{- include "osak-node.redisConnection" (dict "settings" $settings "folder" "redis" "addresses" $settings.addresses) | nindent 2 }}
  replicas: {{ $settings.replicas | int }}
  allow_volatile: {{ $settings.allowVolatile }}
  {{- else }}
  kind: sqlite
  path: /var/lib/osak/shares/shares.sqlite
  {{- end }}
{{- with .Values.movingFrom }}
{{- if eq .kind "redis" }}
moving_from:
  kind: redis
  {{- include "osak-node.redisConnection" (dict "settings" .redis "folder" "moving" "addresses" .redis.addresses) | nindent 2 }}
  replicas: {{ .redis.replicas | int }}
  allow_volatile: {{ .redis.allowVolatile }}
{{- else if eq .kind "sqlite" }}
moving_from:
  kind: sqlite
  path: /var/lib/osak/moving/shares.sqlite
{{- end }}
{{- end }}
trust:
  anchors:
    {{- if .Values.trust.estonia }}
    - estonia
    {{- end }}
    {{- range $name, $_ := .Values.trust.anchors }}
    - /etc/osak/trust/anchor-{{ $name }}.pem
    {{- end }}
  intermediates:
    {{- range $name, $_ := .Values.trust.intermediates }}
    - /etc/osak/trust/intermediate-{{ $name }}.pem
    {{- else }} []
    {{- end }}
  {{- with .Values.trust.policies }}
  policies: {{ . | toJson }}
  {{- end }}
  {{- include "osak-node.revocation" .Values.trust.revocation | nindent 2 }}
  {{- with .Values.trust.smartID }}
  {{- if .relyingParties }}
  smart_id:
    relying_parties:
      {{- range .relyingParties }}
      - name: {{ .name | toJson }}
        brokered_name: {{ .brokeredName | default "" | toJson }}
      {{- end }}
    scheme: {{ .scheme | toJson }}
    flow_types: {{ .flowTypes | toJson }}
  {{- end }}
  {{- end }}
{{- with .Values.sessions }}
{{- if .authServers }}
sessions:
  auth_servers:
    {{- range $number, $server := .authServers }}
    - issuer: {{ $server.issuer | toJson }}
      keys_file: /etc/osak/trust/auth-server-{{ $number }}.json
    {{- end }}
  required: {{ .required }}
  life: {{ .life }}
{{- end }}
{{- end }}
sealing:
  key_file: /etc/osak/sealing/node.key
  {{- if .Values.sealing.next }}
  next: {key_file: /etc/osak/sealing/next.key}
  {{- end }}
  {{- if .Values.sealing.old }}
  old:
    {{- range $number, $_ := .Values.sealing.old }}
    - {key_file: /etc/osak/sealing/old-{{ $number }}.key}
    {{- end }}
  {{- end }}
  {{- with .Values.sealing.token }}
  {{- if .module }}
  token:
    module: {{ .module | toJson }}
    label: {{ .label | toJson }}
    key: {{ .key | toJson }}
    pin_file: /etc/osak/token/pin
  {{- end }}
  {{- end }}
{{- $counter := include "osak-node.counter" . | fromJson }}
{{- with .Values.limits }}
limits:
  nonce_life: {{ .nonceLife }}
  max_body_bytes: {{ .maxBodyBytes | int }}
  request_timeout: {{ .requestTimeout }}
  shutdown_timeout: {{ .shutdownTimeout }}
  idle_timeout: {{ .idleTimeout }}
  handshake_timeout: {{ .handshakeTimeout }}
  max_connections: {{ .maxConnections | int }}
  max_connections_per_address: {{ .maxConnectionsPerAddress | int }}
  max_concurrent_requests: {{ .maxConcurrentRequests | int }}
  rates:
    per_address: {{ .rates.perAddress | quote }}
    per_share: {{ .rates.perShare | quote }}
    per_recipient: {{ .rates.perRecipient | quote }}
    total: {{ .rates.total | quote }}
  trusted_proxies: {{ .trustedProxies | toJson }}
  {{- if $counter }}
  counter:
    {{- include "osak-node.redisConnection" (dict "settings" $counter "folder" "counter" "addresses" $counter.addresses) | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .Values.uploads.senders }}
uploads:
  senders:
    {{- range $number, $sender := . }}
    - name: {{ $sender.name | toJson }}
      {{- with $sender.tokenSHA256 }}
      token_sha256: {{ . | quote }}
      {{- end }}
      {{- if $sender.certificate }}
      certificate_file: /etc/osak/trust/sender-{{ $number }}.pem
      {{- end }}
      {{- with $sender.quota }}
      quota: {{ . | quote }}
      {{- end }}
    {{- end }}
{{- end }}
expiry:
  default: {{ .Values.expiry.default }}
  max: {{ .Values.expiry.max }}
  sweep_every: {{ .Values.expiry.sweepEvery }}
{{- if .Values.capsules.enabled }}
capsules:
  fetch_listen: 0.0.0.0:8444
  anchors:
    {{- if .Values.capsules.estonia }}
    - estonia
    {{- end }}
    {{- range $name, $_ := .Values.capsules.anchors }}
    - /etc/osak/trust/capsules-{{ $name }}.pem
    {{- end }}
  {{- include "osak-node.revocation" .Values.capsules.revocation | nindent 2 }}
  expiry:
    default: {{ .Values.capsules.expiry.default }}
    max: {{ .Values.capsules.expiry.max }}
{{- end }}
{{- if .Values.audit.enabled }}
audit:
  # Each process needs a folder of its own; the pod's name is unlike all others.
  folder: /var/lib/osak/audit/${POD_NAME}
{{- end }}
{{- with .Values.traces }}
{{- if .endpoint }}
traces:
  endpoint: {{ .endpoint | toJson }}
  sample: {{ .sample }}
  {{- if .ca }}
  ca_file: /etc/osak/trust/traces.pem
  {{- end }}
  {{- if .token.existingSecret }}
  token_file: /etc/osak/traces/token
  {{- end }}
{{- end }}
{{- end }}
admin:
  listen: 0.0.0.0:9443
{{- end -}}

{{- define "osak-node.revocation" -}}
revocation:
  mode: {{ .mode | quote }}
  timeout: {{ .timeout }}
  max_age: {{ .maxAge }}
  networks: {{ .networks | toJson }}
{{- end -}}
