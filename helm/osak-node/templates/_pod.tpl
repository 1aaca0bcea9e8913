{{/* The node's pod, the same in a Deployment and in a StatefulSet. */}}
{{- define "osak-node.pod" -}}
{{- $secrets := include "osak-node.secrets" . | fromJsonArray -}}
metadata:
  labels:
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "osak-node.labels" (list . "node") | nindent 4 }}
  annotations:
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    # A changed configuration starts the pods anew.
    checksum/config: {{ include (print $.Template.BasePath "/node-configmap.yaml") . | sha256sum }}
spec:
  # The node never talks to Kubernetes.
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "osak-node.gracePeriod" . }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "osak-node.podSecurity" 10001 | nindent 4 }}
  topologySpreadConstraints:
    {{- range $key, $rule := dict "kubernetes.io/hostname" .Values.topologySpread.machines "topology.kubernetes.io/zone" .Values.topologySpread.zones }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $rule }}
      labelSelector:
        matchLabels:
          {{- include "osak-node.matchLabels" (list $ "node") | nindent 10 }}
      {{- if eq (include "osak-node.workload" $) "Deployment" }}
      # Those of one rollout: the old ones, which are about to go, would push the new ones together.
      matchLabelKeys: [pod-template-hash]
      {{- end }}
    {{- end }}
  containers:
    - name: node
      image: {{ include "osak-node.nodeImage" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [/opt/osak/bin/osak, node, run, --config, /etc/osak/node/node.yaml]
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: PYTHONDONTWRITEBYTECODE
          value: "1"
      ports:
        - name: https
          containerPort: 8443
        {{- if .Values.capsules.enabled }}
        - name: capsules
          containerPort: 8444
        {{- end }}
        - name: admin
          containerPort: 9443
      lifecycle:
        preStop:
          # Kubernetes tells others of the end while it begins: who has not heard yet is still served.
          sleep:
            seconds: {{ .Values.drainSeconds | int }}
      startupProbe:
        httpGet:
          path: /health/live
          port: admin
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        # Dead: the process does not answer. Only then it is killed.
        httpGet:
          path: /health/live
          port: admin
        periodSeconds: 10
        timeoutSeconds: 5
      readinessProbe:
        # Not ready: the store or the audit log does not answer. It gets no requests, and goes on by itself.
        httpGet:
          path: /health/ready
          port: admin
        periodSeconds: 5
        timeoutSeconds: 5
      securityContext:
        {{- include "osak-node.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/osak/node
          readOnly: true
        - name: trust
          mountPath: /etc/osak/trust
          readOnly: true
        {{- range $secrets }}
        - name: {{ .name | quote }}
          mountPath: /etc/osak/{{ .path }}
          readOnly: true
        {{- end }}
        {{- if not (include "osak-node.isRedis" .) }}
        - name: shares
          mountPath: /var/lib/osak/shares
        {{- end }}
        {{- if include "osak-node.movesFromSQLite" . }}
        - name: moving
          mountPath: /var/lib/osak/moving
        {{- end }}
        {{- if .Values.audit.enabled }}
        - name: audit
          mountPath: /var/lib/osak/audit
        {{- end }}
        - name: scratch
          mountPath: /tmp
  volumes:
    - name: config
      configMap:
        name: {{ include "osak-node.name" . | quote }}
        items:
          - key: node.yaml
            path: node.yaml
    - name: trust
      configMap:
        name: {{ include "osak-node.name" . | quote }}
        items:
          {{- range $name, $_ := include "osak-node.certificates" . | fromJson }}
          - key: {{ $name | quote }}
            path: {{ $name | quote }}
          {{- end }}
    {{- range $secrets }}
    - name: {{ .name | quote }}
      secret:
        secretName: {{ .secret | quote }}
        defaultMode: 0440
        items:
          {{- range $key, $file := .items }}
          - key: {{ $key | quote }}
            path: {{ $file | quote }}
          {{- end }}
    {{- end }}
    {{- if include "osak-node.movesFromSQLite" . }}
    - name: moving
      persistentVolumeClaim:
        claimName: {{ .Values.movingFrom.sqlite.existingClaim | quote }}
    {{- end }}
    {{- with include "osak-node.auditClaim" . }}
    - name: audit
      persistentVolumeClaim:
        claimName: {{ . | quote }}
    {{- end }}
    - name: scratch
      emptyDir:
        sizeLimit: 64Mi
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Every Secret that the node mounts: a list of {name, path, secret, items}, as JSON. The chart makes none of them. */}}
{{- define "osak-node.secrets" -}}
{{- $keys := dict .Values.sealing.key "node.key" -}}
{{- with .Values.sealing.next -}}
{{- $_ := set $keys . "next.key" -}}
{{- end -}}
{{- range $number, $entry := .Values.sealing.old -}}
{{- $_ := set $keys $entry (printf "old-%d.key" $number) -}}
{{- end -}}
{{- $found := list
  (dict "name" "tls" "path" "tls" "secret" (include "osak-node.tlsSecret" .) "items" (dict "tls.crt" "tls.crt" "tls.key" "tls.key"))
  (dict "name" "sealing" "path" "sealing" "secret" .Values.sealing.existingSecret "items" $keys) -}}
{{- if include "osak-node.isRedis" . -}}
{{- $found = concat $found (include "osak-node.redisSecrets" (dict "settings" (include "osak-node.storageRedis" . | fromJson) "folder" "redis") | fromJsonArray) -}}
{{- end -}}
{{- if eq .Values.movingFrom.kind "redis" -}}
{{- $found = concat $found (include "osak-node.redisSecrets" (dict "settings" .Values.movingFrom.redis "folder" "moving") | fromJsonArray) -}}
{{- end -}}
{{- with include "osak-node.counter" . | fromJson -}}
{{- $found = concat $found (include "osak-node.redisSecrets" (dict "settings" . "folder" "counter") | fromJsonArray) -}}
{{- end -}}
{{- with .Values.sealing.token -}}
{{- if .module -}}
{{- $found = append $found (dict "name" "token" "path" "token" "secret" .pin.existingSecret "items" (dict .pin.key "pin")) -}}
{{- end -}}
{{- end -}}
{{- with .Values.traces -}}
{{- if and .endpoint .token.existingSecret -}}
{{- $found = append $found (dict "name" "traces" "path" "traces" "secret" .token.existingSecret "items" (dict .token.key "token")) -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{/* Which Redis the node uses, for people and for the warning in NOTES.txt. */}}
{{- define "osak-node.redisAddresses" -}}
{{- if include "osak-node.isRedis" . -}}
{{- (include "osak-node.storageRedis" . | fromJson).addresses | join "," -}}
{{- end -}}
{{- end -}}
