{{/* What the schema cannot tell: values that do not go together. All mistakes are found, then told at once. */}}
{{- define "osak-node.validate" -}}
{{- $mistakes := list -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" .Release.Name) -}}
{{- $mistakes = append $mistakes (printf "release %s: must begin with a letter and have no dot, since the Service is called so" .Release.Name) -}}
{{- end -}}
{{- $redis := eq .Values.storage.kind "redis" -}}
{{- with .Values -}}
{{- if and (not .tls.existingSecret) (not .tls.certManager.enabled) -}}
{{- $mistakes = append $mistakes "tls: name existingSecret, or enable certManager: the node speaks TLS only" -}}
{{- end -}}
{{- if and .tls.existingSecret .tls.certManager.enabled -}}
{{- $mistakes = append $mistakes "tls: existingSecret and certManager.enabled exclude each other" -}}
{{- end -}}
{{- if and .tls.certManager.enabled (not .tls.certManager.issuerRef.name) -}}
{{- $mistakes = append $mistakes "tls.certManager.issuerRef.name: is missing" -}}
{{- end -}}
{{- if and .tls.certManager.enabled (ge (include "osak-node.hours" .tls.certManager.renewBefore | int64) (include "osak-node.hours" .tls.certManager.duration | int64)) -}}
{{- $mistakes = append $mistakes "tls.certManager.renewBefore: is not before the end of duration" -}}
{{- end -}}
{{- $entries := concat (list .sealing.key) (ternary (list .sealing.next) list (ne (.sealing.next | default "") "")) (.sealing.old | default list) -}}
{{- if ne (len $entries) (len (uniq $entries)) -}}
{{- $mistakes = append $mistakes "sealing: an entry stands twice in key, next and old" -}}
{{- end -}}
{{- with .sealing.token -}}
{{- if and .module (not .pin.existingSecret) -}}
{{- $mistakes = append $mistakes "sealing.token.pin.existingSecret: is missing" -}}
{{- end -}}
{{- if and (not .module) .pin.existingSecret -}}
{{- $mistakes = append $mistakes "sealing.token.pin.existingSecret: is not used; set sealing.token.module" -}}
{{- end -}}
{{- end -}}
{{- if and .autoscaling.enabled .replicas -}}
{{- $mistakes = append $mistakes "replicas: is not used; autoscaling.minReplicas and maxReplicas say how many" -}}
{{- end -}}
{{- $least := ternary (int .autoscaling.minReplicas) (include "osak-node.replicas" $ | int) .autoscaling.enabled -}}
{{- if and $redis .podDisruptionBudget.enabled (gt $least 1) (ge (int .podDisruptionBudget.maxUnavailable) $least) -}}
{{- $mistakes = append $mistakes (printf "podDisruptionBudget.maxUnavailable: lets all %d processes be taken away at once" $least) -}}
{{- end -}}
{{- if and .audit.existingClaim (ne (include "osak-node.auditClaim" $) .audit.existingClaim) -}}
{{- $mistakes = append $mistakes "audit.existingClaim: is not used; it is for processes over Redis that share one volume" -}}
{{- end -}}
{{- if and .audit.claimEach (or (not $redis) (not .audit.enabled)) -}}
{{- $mistakes = append $mistakes "audit.claimEach: is not used; it is for processes over Redis with an audit log" -}}
{{- end -}}
{{- if and (include "osak-node.auditClaim" $) (eq .audit.accessMode "ReadWriteOnce") (not .audit.existingClaim) (eq .topologySpread.machines "DoNotSchedule") (gt $least 1) -}}
{{- $mistakes = append $mistakes "audit.accessMode: a ReadWriteOnce volume is on one machine, and topologySpread.machines wants several" -}}
{{- end -}}
{{- if and (not $redis) .storage.redis.addresses -}}
{{- $mistakes = append $mistakes "storage.redis.addresses: are not used; set storage.kind to redis" -}}
{{- end -}}
{{- if and (not $redis) (gt (int .replicas) 1) -}}
{{- $mistakes = append $mistakes "replicas: SQLite has one process; for more, storage.kind is redis" -}}
{{- end -}}
{{- if and (not $redis) .autoscaling.enabled -}}
{{- $mistakes = append $mistakes "autoscaling.enabled: SQLite has one process; for more, storage.kind is redis" -}}
{{- end -}}
{{- if and (not $redis) .redis.enabled -}}
{{- $mistakes = append $mistakes "redis.enabled: nobody would use it; set storage.kind to redis" -}}
{{- end -}}
{{- if and $redis .redis.enabled .storage.redis.addresses -}}
{{- $mistakes = append $mistakes "storage.redis.addresses: the chart knows where its own Redis is (redis.enabled); name addresses only of another" -}}
{{- end -}}
{{- if and $redis .redis.enabled .storage.redis.replicas -}}
{{- $mistakes = append $mistakes "storage.redis.replicas: the chart's own Redis (redis.enabled) has none" -}}
{{- end -}}
{{- if and $redis (not .redis.enabled) (not .storage.redis.addresses) -}}
{{- $mistakes = append $mistakes "storage.redis.addresses: name your Redis, or let the chart run one with redis.enabled" -}}
{{- end -}}
{{- if and .redis.enabled (not .redis.auth.existingSecret) -}}
{{- $mistakes = append $mistakes "redis.auth.existingSecret: is missing" -}}
{{- end -}}
{{- with include "osak-node.mebibytes" (.redis.resources.limits | default dict).memory -}}
{{- if and $.Values.redis.enabled (le (int64 .) (include "osak-node.mebibytes" $.Values.redis.maxMemory | int64)) -}}
{{- $mistakes = append $mistakes "redis.resources.limits.memory: must be more than redis.maxMemory, best twice, or Kubernetes kills Redis before it is full" -}}
{{- end -}}
{{- end -}}
{{- if and (not .limits.counter.enabled) .limits.counter.addresses -}}
{{- $mistakes = append $mistakes "limits.counter.addresses: are not used; set limits.counter.enabled" -}}
{{- end -}}
{{- if and .limits.counter.enabled (not .limits.counter.addresses) -}}
{{- $mistakes = append $mistakes "limits.counter.addresses: name a Redis that may forget" -}}
{{- end -}}
{{- with .movingFrom -}}
{{- if and (eq .kind "sqlite") (not $redis) -}}
{{- $mistakes = append $mistakes "movingFrom.kind: from SQLite to SQLite nothing is moved: copy the volume" -}}
{{- end -}}
{{- if and (eq .kind "sqlite") (not .sqlite.existingClaim) -}}
{{- $mistakes = append $mistakes "movingFrom.sqlite.existingClaim: is missing" -}}
{{- end -}}
{{- if and (ne .kind "sqlite") .sqlite.existingClaim -}}
{{- $mistakes = append $mistakes "movingFrom.sqlite.existingClaim: is not used; set movingFrom.kind to sqlite" -}}
{{- end -}}
{{- if and (eq .kind "redis") (not .redis.addresses) -}}
{{- $mistakes = append $mistakes "movingFrom.redis.addresses: name the Redis where everything is" -}}
{{- end -}}
{{- if and (ne .kind "redis") .redis.addresses -}}
{{- $mistakes = append $mistakes "movingFrom.redis.addresses: are not used; set movingFrom.kind to redis" -}}
{{- end -}}
{{- end -}}
{{- if and (eq .movingFrom.kind "sqlite") (or (gt (int .replicas) 1) .autoscaling.enabled) -}}
{{- $mistakes = append $mistakes "movingFrom.kind: while SQLite is moved away from there is one process: leave out replicas and autoscaling" -}}
{{- end -}}
{{- if and .sessions.required (not .sessions.authServers) -}}
{{- $mistakes = append $mistakes "sessions.authServers: name one, or nobody can have the session that sessions.required asks for" -}}
{{- end -}}
{{- $patience := include "osak-node.seconds" .limits.requestTimeout | int64 -}}
{{- range $path, $role := dict "trust" .trust "capsules" (ternary .capsules dict .capsules.enabled) -}}
{{- with $role.revocation -}}
{{- if and (ne .mode "off") (gt (mul 3 (include "osak-node.seconds" .timeout | int64)) $patience) -}}
{{- $mistakes = append $mistakes (printf "%s.revocation.timeout: is more than a third of limits.requestTimeout" $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $issuers := list -}}
{{- range .sessions.authServers -}}
{{- $issuers = append $issuers .issuer -}}
{{- end -}}
{{- if ne (len $issuers) (len (uniq $issuers)) -}}
{{- $mistakes = append $mistakes "sessions.authServers: an issuer stands twice" -}}
{{- end -}}
{{- if gt (include "osak-node.seconds" .sessions.life | int64) 86400 -}}
{{- $mistakes = append $mistakes "sessions.life: is 24h at most" -}}
{{- end -}}
{{- range $path, $one := dict "storage.redis" .storage.redis "movingFrom.redis" .movingFrom.redis "limits.counter" .limits.counter -}}
{{- if and (eq $one.mode "sentinel") (not $one.master) -}}
{{- $mistakes = append $mistakes (printf "%s.master: mode sentinel needs it" $path) -}}
{{- end -}}
{{- if and (ne $one.mode "sentinel") (or $one.master $one.sentinelUsername $one.sentinelPassword.existingSecret) -}}
{{- $mistakes = append $mistakes (printf "%s: master and sentinel… belong to mode sentinel" $path) -}}
{{- end -}}
{{- if and (eq $one.mode "server") (gt (len $one.addresses) 1) -}}
{{- $mistakes = append $mistakes (printf "%s.addresses: mode server has one; for several there are sentinel and cluster" $path) -}}
{{- end -}}
{{- if and (eq $one.mode "cluster") $one.database -}}
{{- $mistakes = append $mistakes (printf "%s.database: a Cluster has database 0 alone" $path) -}}
{{- end -}}
{{- if and $one.tls.clientCertificate (not $one.tls.existingSecret) -}}
{{- $mistakes = append $mistakes (printf "%s.tls.existingSecret: clientCertificate needs it" $path) -}}
{{- end -}}
{{- end -}}
{{- if and .autoscaling.enabled (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) -}}
{{- $mistakes = append $mistakes "autoscaling: minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- range $path, $one := dict "expiry" .expiry "capsules.expiry" .capsules.expiry -}}
{{- if gt (include "osak-node.seconds" $one.default | int64) (include "osak-node.seconds" $one.max | int64) -}}
{{- $mistakes = append $mistakes (printf "%s: default is longer than max" $path) -}}
{{- end -}}
{{- end -}}
{{- if not (or .trust.estonia .trust.anchors) -}}
{{- $mistakes = append $mistakes "trust: name anchors, or set estonia: without a CA certificate nobody can fetch a share" -}}
{{- end -}}
{{- if and .capsules.enabled (not (or .capsules.estonia .capsules.anchors)) -}}
{{- $mistakes = append $mistakes "capsules: name anchors, or set estonia: without a CA certificate nobody can fetch a capsule" -}}
{{- end -}}
{{- if and .capsules.enabled (eq (int .capsules.port) (int .service.port)) -}}
{{- $mistakes = append $mistakes "capsules.port: is service.port already" -}}
{{- end -}}
{{- range $number, $sender := .uploads.senders -}}
{{- if not (or $sender.tokenSHA256 $sender.certificate) -}}
{{- $mistakes = append $mistakes (printf "uploads.senders[%d]: needs tokenSHA256 or certificate" $number) -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- $tokens := list -}}
{{- range .uploads.senders -}}
{{- $names = append $names .name -}}
{{- with .tokenSHA256 -}}
{{- $tokens = append $tokens . -}}
{{- end -}}
{{- end -}}
{{- if or (ne (len $names) (len (uniq $names))) (ne (len $tokens) (len (uniq $tokens))) -}}
{{- $mistakes = append $mistakes "uploads.senders: two have the same name or the same token" -}}
{{- end -}}
{{- if and (or .ingress.enabled .gateway.enabled) (include "osak-node.hostIsAddress" $) -}}
{{- $mistakes = append $mistakes "node.publicURL: ingress and gateway tell nodes apart by a DNS name, and it has an address" -}}
{{- end -}}
{{- if .ingress.enabled -}}
{{- $passes := false -}}
{{- range $name, $value := .ingress.annotations -}}
{{- if and (contains "passthrough" $name) (eq $value "true") -}}
{{- $passes = true -}}
{{- end -}}
{{- end -}}
{{- if not $passes -}}
{{- $mistakes = append $mistakes "ingress.annotations: none says that TLS is passed through (…passthrough: \"true\"); the node ends TLS itself" -}}
{{- end -}}
{{- end -}}
{{- if and .gateway.enabled (not .gateway.parentRefs) -}}
{{- $mistakes = append $mistakes "gateway.parentRefs: name a Gateway" -}}
{{- end -}}
{{- if and .service.externalTrafficPolicy (eq .service.type "ClusterIP") -}}
{{- $mistakes = append $mistakes "service.externalTrafficPolicy: is for NodePort and LoadBalancer" -}}
{{- end -}}
{{- if and .monitoring.serviceMonitor.enabled .networkPolicy.enabled (not .networkPolicy.metrics) -}}
{{- $mistakes = append $mistakes "networkPolicy.metrics: let your Prometheus in, or nothing will be read (monitoring.serviceMonitor.enabled)" -}}
{{- end -}}
{{- end -}}
{{- if $mistakes -}}
{{- fail (printf "\n\nThese values do not go together:\n- %s\n" (join "\n- " $mistakes)) -}}
{{- end -}}
{{- end -}}
