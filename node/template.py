# SPDX-License-Identifier: MIT
"""The commented YAML that ``osak node init`` writes and ``configs/node.sqlite.yaml`` shows.

One text serves both, so the example in the repository cannot fall behind.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Final

_TEMPLATE: Final = Template("""\
# One osak node: one organisation keeps one share of every key. Start it with `osak node run -c FILE`.
# Relative paths start at this file's folder. ${brace}NAME} is replaced from the environment. Durations are a
# number and s, m, h or d. A key that is not known is an error, so a misspelt one cannot pass unnoticed.

# Short name: clients' group files and containers refer to it. Do not change it later.
id: $id
# Who runs this node. For people; it should be a different organisation for every node of a group.
organisation: $organisation
# What it keeps: shares, or also key capsules as the official capsule servers do (see node.capsules.yaml).
roles: [shares]
# Where clients reach the node. Tickets are bound to it: it must be exactly what clients have in their
# configuration (port and trailing slash may be left out). It is never taken from X-Forwarded-* headers.
public_url: $public_url
# Where the node listens; TLS 1.3 ends here, so put no TLS proxy in front of it, pass TCP through. 0.0.0.0 is
# all addresses of IPv4, "[::]:8443" listens for IPv6 and IPv4.
listen: $listen

tls:
  # PEM. The certificate that clients see, followed by its issuers if there are any.
  certificate_file: tls/cert.pem
  key_file: tls/key.pem

storage:
$storage

trust:
  # CA certificates (PEM files) whose people may fetch shares: roots, or issuing CAs themselves. The word
  # estonia stands for the issuers of its ID-cards, Mobile-ID and qualified Smart-ID.
  anchors:$anchors
  # CA certificates between an anchor and people, which need not be trusted by themselves.
  intermediates: []
  # Policy OIDs of which people's certificates must have one; .* at the end means all below. A certificate for
  # signing documents never fits. Left out: 0.4.0.2042.1.2 (NCP+) if estonia is an anchor, else any.
  # policies: ["0.4.0.2042.1.2", "1.3.6.1.4.1.51361.*"]
  # Tickets signed through version 3 of Smart-ID's API: for whom the app may have signed. Left out: refused.
  # smart_id:
  #   relying_parties:
  #     # As the person sees it in the app; brokered_name is whoever asks through that contract, if any.
  #     - {name: Riigi Infosüsteemi Amet, brokered_name: ""}
  #   # smart-id-demo for Smart-ID's own demo.
  #   scheme: smart-id
  #   # Add QR for clients that show a code to scan.
  #   flow_types: [Notification]
  revocation:
    # Are authorities asked if they took a certificate back (by OCSP, and by their lists where that fails)?
    # soft: yes, and what cannot be learnt does not count. hard: what cannot be learnt refuses. off: no.
    mode: soft
    # Until an authority must have answered; a third of limits.request_timeout at most.
    timeout: 3s
    # An answer is believed as long as it says, and at most so long.
    max_age: 1h
    # Addresses or networks that may be asked although they are not public: an OCSP server of your own.
    networks: []

sealing:
  # 32 random bytes. Keep it secret and keep a copy elsewhere than the database's: without it every stored
  # share is lost, and with both of them every stored share can be read.
  key_file: node.key
  # To change the key while the node serves: see "Changing the node key" in docs/operations.md.
  # next: {key_file: next.key}
  # old: [{key_file: old.key}]

# Callers who have logged in at an auth server (upstream's dialect B). Left out: nobody needs to, and
# sessions are ignored.
# sessions:
#   auth_servers:
#     # Its iss in tokens, and its keys, published at /.well-known/jwks.jws; compare with its operator.
#     - {issuer: auth.example, keys_file: trust/auth-server.json}
#   # Whether nonces and shares are given to nobody else.
#   required: false
#   # How long a session may last; 24h at most.
#   life: 24h

limits:
  # How old a nonce may be when it comes back in a ticket: the time to find the phone and type a PIN.
  nonce_life: 300s
  # Longest request body.
  max_body_bytes: 4096
  # Until a whole request must be read and answered.
  request_timeout: 10s
  # How long requests under way may go on after SIGTERM.
  shutdown_timeout: 10s
  # Until the head of a request must be there, from the opening of the connection or the last answer on.
  idle_timeout: 20s
  # Until a TLS handshake must be done.
  handshake_timeout: 10s
  # Open connections of one port, and requests worked on at once. One more is closed, or answered 503.
  max_connections: 1000
  # Of these, how many one address (of IPv6, one /64) may hold; trusted_proxies any number. Behind a balancer
  # that passes TCP through, all connections have its address: then write as many as max_connections.
  max_connections_per_address: 100
  max_concurrent_requests: 256
  # Who comes too often is answered 429 with Retry-After. 1200/m: so many at once, then 20 a second. Or: off.
  rates:
    # Requests of one client address (of IPv6, one /64), and half its new connections. People behind one
    # router share an address.
    per_address: 1200/m
    # Requests for one share from one address: 2 for each time it is fetched.
    per_share: 120/m
    # Shares released to one person, wherever they come from.
    per_recipient: 600/m
    # Requests of everybody together.
    total: off
  # Addresses or networks whose X-Forwarded-For is believed when clients are counted. Nobody else's is. One
  # that passes TCP through does not belong here: behind it, clients write that header themselves.
  trusted_proxies: []

expiry:
  # How long a share is kept when the sender asks for nothing (the official clients never ask) ...
  default: 3650d
  # ... and at most, whatever the sender asks for.
  max: 3650d
  # How often expired shares are erased. They cannot be fetched from the second they expire.
  sweep_every: 60s

audit:
  # What the node did, in a chain of lines that shows every change: see `osak node audit verify`. While it
  # cannot be written, nothing is released. Leave the whole section out to keep none.
  folder: audit

admin:
  # /health/live, /health/ready and /metrics over plain HTTP: keep it on loopback or a private network.
  listen: $admin
""")

_SQLITE: Final = """\
  # sqlite: one file, durable before a client hears 201. redis: for several processes of one node. memory: for
  # trials, gone at the end.
  kind: sqlite
  path: shares.sqlite"""

_REDIS: Final = Template("""\
  # Redis 6.2 or newer, with `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`: else
  # the node does not start. More settings (Sentinels, Cluster, users, TLS, replicas): see node.redis.yaml.
  kind: redis
  addresses:
    - $address""")


@dataclass(frozen=True, slots=True)
class NewNode:
    """What is particular to one node's YAML.

    Attributes:
        public_url: canonical text.
        listen: ``HOST:PORT``, as is ``admin``.
        anchors: paths of PEM files, relative to the YAML.
        redis: ``HOST:PORT`` or ``unix:/PATH`` of a Redis that keeps the shares; None for an SQLite file.
    """

    id: str
    organisation: str
    public_url: str
    listen: str
    admin: str
    anchors: Sequence[str] = field(default=())
    redis: str | None = None


def render_config(node: NewNode) -> str:
    """The YAML of one node, with comments."""
    lines = "".join(f"\n    - {_quote(path)}" for path in node.anchors) or " []"
    return _TEMPLATE.substitute(
        brace="${",
        id=_quote(node.id),
        organisation=_quote(node.organisation),
        public_url=_quote(node.public_url),
        listen=_quote(node.listen),
        admin=_quote(node.admin),
        anchors=lines,
        storage=_SQLITE if node.redis is None else _REDIS.substitute(address=_quote(node.redis)),
    )


def _quote(text: str) -> str:
    """A JSON string is a YAML string, whatever stands in it."""
    return json.dumps(text, ensure_ascii=False)
