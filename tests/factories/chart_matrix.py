# SPDX-License-Identifier: MIT
"""Values of every way to run a node on Kubernetes; each is rendered and looked at as a whole."""

from typing import Any, Final

from factories.chart import EXTERNAL_REDIS, OWN_REDIS, PEM, merged

Values = dict[str, Any]

SENTINELS: Final[Values] = {
    "storage": {
        "kind": "redis",
        "redis": {
            "mode": "sentinel",
            "addresses": ["s-1.internal:26379", "s-2.internal:26379"],
            "master": "shares",
            "username": "osak",
            "password": {"existingSecret": "redis-login"},
            "sentinelUsername": "watcher",
            "sentinelPassword": {"existingSecret": "sentinel-login", "key": "word"},
            "tls": {"enabled": True, "existingSecret": "redis-tls", "clientCertificate": True},
            "replicas": 1,
        },
    },
    "replicas": 3,
}
COUNTER: Final[Values] = {
    "limits": {
        "counter": {
            "enabled": True,
            "addresses": ["rates.internal:6380"],
            "username": "osak",
            "password": {"existingSecret": "rates-login"},
            "tls": {"enabled": True},
        },
        "trustedProxies": ["10.0.0.0/8", "2001:db8::1"],
        "rates": {"perAddress": "off", "total": "5000/s"},
    }
}
# What an auth server publishes; the point is RFC 7517's example (appendix A.1).
KEY_SET: Final = (
    '{"keys": [{"kty": "EC", "kid": "1", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", '
    '"y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}'
)
SESSIONS: Final[Values] = {
    "sessions": {
        "authServers": [{"issuer": "https://login.example.org", "keys": KEY_SET}],
        "required": True,
        "life": "8h",
    }
}
MOVING: Final[Values] = {
    "movingFrom": {
        "kind": "redis",
        "redis": {
            "addresses": ["old.internal:6390"],
            "username": "osak",
            "password": {"existingSecret": "old-login"},
            "tls": {"enabled": True, "existingSecret": "old-tls"},
        },
    }
}
OUTSIDE: Final[Values] = {
    "service": {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "annotations": {"a.example/b": "c"},
    },
    "ingress": {"enabled": True, "className": "nginx"},
    "gateway": {
        "enabled": True,
        "parentRefs": [{"name": "outer", "namespace": "gateways", "sectionName": "tls"}],
    },
    "tls": {
        "existingSecret": "",
        "certManager": {"enabled": True, "issuerRef": {"name": "letsencrypt"}},
    },
}
WATCHED: Final[Values] = {
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "rules": {"enabled": True, "labels": {"release": "prometheus"}},
        "dashboard": {"enabled": True, "annotations": {"folder": "osak"}},
    },
    "networkPolicy": {
        "metrics": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "clients": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.7/32"]}}],
        "redis": [{"ipBlock": {"cidr": "10.1.0.0/16"}}],
        "authorities": [{"ipBlock": {"cidr": "198.51.100.0/24"}}],
        "collector": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traces"}}}],
        "extraEgress": [{"to": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 9999}]}],
    },
    "traces": {
        "endpoint": "https://collector.internal:4318/v1/traces",
        "sample": 0.1,
        "ca": PEM,
        "token": {"existingSecret": "collector"},
    },
}
KEYS: Final[Values] = {"sealing": {"key": "2027.key", "next": "2028.key", "old": ["2026.key", "node.key"]}}
# The library is one that every system has: the node's loader wants a file there, and nothing calls it.
TOKEN: Final[Values] = {
    "sealing": {
        "token": {"module": "/bin/sh", "label": "keys", "key": "ria", "pin": {"existingSecret": "token-pin"}}
    }
}
ROLES: Final[Values] = {
    "capsules": {"enabled": True, "estonia": True, "anchors": {"people": PEM}},
    "uploads": {
        "senders": [
            {"name": "Haigla", "tokenSHA256": "ab" * 32, "quota": "10000/d"},
            {"name": "Kohus", "certificate": PEM},
        ]
    },
    "trust": {
        "estonia": True,
        "intermediates": {"issuing": PEM},
        "revocation": {"mode": "hard", "timeout": "2s", "maxAge": "10m", "networks": ["10.2.0.0/16"]},
        "policies": ["0.4.0.2042.1.2", "1.3.6.1.4.1.51361.*"],
        "smartID": {
            "relyingParties": [{"name": "Riigi Infosüsteemi Amet"}],
            "flowTypes": ["Notification", "QR"],
        },
    },
    "test": {"credential": {"existingSecret": "tester"}, "token": {"existingSecret": "tester-token"}},
}
PLACED: Final[Values] = {
    "podLabels": {"team": "keys"},
    "podAnnotations": {"note": "yes"},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "keys", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 100,
                    "podAffinityTerm": {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "osak-node"}},
                    },
                }
            ]
        }
    },
    "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": [{"name": "registry"}]},
}

MATRIX: Final[dict[str, Values]] = {
    "sqlite": {},
    "sqlite-with-all": merged(OUTSIDE, WATCHED, ROLES, KEYS, TOKEN, PLACED),
    "sqlite-from-redis": merged(MOVING, SESSIONS),
    "sqlite-without-audit": {"audit": {"enabled": False}, "networkPolicy": {"enabled": False}},
    "sqlite-without-revocation": {"trust": {"revocation": {"mode": "off"}}},
    "redis-elsewhere": EXTERNAL_REDIS,
    "redis-elsewhere-with-all": merged(EXTERNAL_REDIS, COUNTER, OUTSIDE, WATCHED, ROLES, KEYS, PLACED),
    "redis-sentinels": SENTINELS,
    "redis-cluster": {
        "storage": {"kind": "redis", "redis": {"mode": "cluster", "addresses": ["a:6379", "b:6379"]}}
    },
    "redis-own": merged(OWN_REDIS, COUNTER),
    "redis-own-alone": merged(OWN_REDIS, {"redis": {"counter": {"enabled": False}}}),
    "redis-own-tls": merged(OWN_REDIS, {"redis": {"tls": {"existingSecret": "ria-redis-tls"}}}, PLACED),
    "redis-from-sqlite": merged(
        EXTERNAL_REDIS, {"movingFrom": {"kind": "sqlite", "sqlite": {"existingClaim": "shares-ria-0"}}}
    ),
    "redis-own-from-redis": merged(OWN_REDIS, MOVING, ROLES),
    "redis-audit-each": merged(EXTERNAL_REDIS, {"audit": {"claimEach": True, "storageClass": "fast"}}),
    "redis-audit-existing": merged(EXTERNAL_REDIS, {"audit": {"existingClaim": "log"}}),
    "redis-autoscaled": merged(EXTERNAL_REDIS, {"autoscaling": {"enabled": True}}),
    "redis-volatile": merged(EXTERNAL_REDIS, {"storage": {"redis": {"allowVolatile": True}}}),
}
