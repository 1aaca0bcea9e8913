{{/* What undoes the threshold or the durability, in these values or in the namespace; a list of sentences, as JSON. */}}
{{- define "osak-node.warnings" -}}
{{- $found := list -}}
{{- range $kind := list "Deployment" "StatefulSet" -}}
{{- range (lookup "apps/v1" $kind $.Release.Namespace "").items -}}
{{- $labels := .metadata.labels | default dict -}}
{{- $instance := get $labels "app.kubernetes.io/instance" -}}
{{- if and (eq (get $labels "app.kubernetes.io/name") "osak-node") (eq (get $labels "app.kubernetes.io/component") "node") (ne $instance $.Release.Name) -}}
{{- $found = append $found (printf "the release %s in this namespace is another node. If both are of one group, who has this namespace has both shares." $instance) -}}
{{- range .spec.template.spec.volumes -}}
{{- if eq (dig "secret" "secretName" "" .) $.Values.sealing.existingSecret -}}
{{- $found = append $found (printf "the release %s uses the same node key (Secret %s): its thief reads both databases." $instance $.Values.sealing.existingSecret) -}}
{{- end -}}
{{- end -}}
{{- $theirs := get (.metadata.annotations | default dict) "osak-node/redis" -}}
{{- range include "osak-node.redisAddresses" $ | splitList "," -}}
{{- if and . (has . (splitList "," $theirs)) -}}
{{- $found = append $found (printf "the release %s uses the same Redis (%s): who has it has, or can destroy, both shares." $instance .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values -}}
{{- if not .audit.enabled -}}
{{- $found = append $found "no audit log: nothing that this node did can be proved." -}}
{{- end -}}
{{- if or (eq .trust.revocation.mode "off") (and .capsules.enabled (eq .capsules.revocation.mode "off")) -}}
{{- $found = append $found "revocation.mode is off: a card that was stolen with its PIN opens here until its certificate ends." -}}
{{- end -}}
{{- if and .uploads.senders (not .test.token.existingSecret) -}}
{{- $found = append $found "helm test cannot store, since it is none of uploads.senders: name a Secret with a sender's token in test.token." -}}
{{- end -}}
{{- if and (eq .storage.kind "redis") .storage.redis.allowVolatile -}}
{{- $found = append $found "allowVolatile: Redis can lose shares that were acknowledged. For trials only." -}}
{{- end -}}
{{- if and (eq .storage.kind "redis") (not .redis.enabled) (not .storage.redis.tls.enabled) -}}
{{- $found = append $found "no TLS to Redis: its password crosses the network in the clear." -}}
{{- end -}}
{{- if and .redis.enabled (not .redis.tls.existingSecret) -}}
{{- $found = append $found "no TLS to Redis: its password crosses the cluster's network in the clear (redis.tls.existingSecret)." -}}
{{- end -}}
{{- if .redis.enabled -}}
{{- with include "osak-node.mebibytes" (.redis.resources.limits | default dict).memory -}}
{{- if lt (int64 .) (mul 2 (include "osak-node.mebibytes" $.Values.redis.maxMemory | int64)) -}}
{{- $found = append $found "Redis has less memory than twice redis.maxMemory: it may be killed while it rewrites its file (redis.resources.limits.memory)." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (include "osak-node.auditClaim" $) (not .audit.existingClaim) (eq .audit.accessMode "ReadWriteOnce") -}}
{{- $found = append $found "audit.accessMode is ReadWriteOnce: all processes must run on the one machine that has the volume, and end with it." -}}
{{- end -}}
{{- if and .capsules.enabled (or .ingress.enabled .gateway.enabled) -}}
{{- $found = append $found (printf "ingress and gateway lead to shares alone: capsules are fetched at port %d of the Service." (int .capsules.port)) -}}
{{- end -}}
{{- $port := include "osak-node.portOf" .node.publicURL | int -}}
{{- if and (eq .service.type "LoadBalancer") (ne $port (int .service.port)) -}}
{{- $found = append $found (printf "clients come to port %d, as node.publicURL says, and the load balancer listens at service.port, which is %d." $port (int .service.port)) -}}
{{- end -}}
{{- if not .networkPolicy.enabled -}}
{{- $found = append $found "no NetworkPolicy: every pod of the cluster reaches health, metrics and Redis." -}}
{{- end -}}
{{- if and (or .ingress.enabled .gateway.enabled) (ne .limits.rates.perAddress "off") -}}
{{- $found = append $found "behind the proxy all clients have its address: set limits.rates.perAddress to \"off\" and let the proxy count." -}}
{{- end -}}
{{- if and (or .ingress.enabled .gateway.enabled) (lt (int .limits.maxConnectionsPerAddress) (int .limits.maxConnections)) -}}
{{- $found = append $found "all connections come from the proxy's address: set limits.maxConnectionsPerAddress to limits.maxConnections and let the proxy bound them." -}}
{{- end -}}
{{- if and (has .service.type (list "LoadBalancer" "NodePort")) (ne .service.externalTrafficPolicy "Local") (or (ne .limits.rates.perAddress "off") (lt (int .limits.maxConnectionsPerAddress) (int .limits.maxConnections))) -}}
{{- $found = append $found "many clients may come with the address of a machine of the cluster, and are counted as one: set service.externalTrafficPolicy to Local." -}}
{{- end -}}
{{- if and (eq .storage.kind "redis") (not .limits.counter.enabled) (not (include "osak-node.runsCounter" $)) -}}
{{- $found = append $found "each process counts rates alone: several let several times as much through (limits.counter)." -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}
