# SPDX-License-Identifier: MIT
"""The node's own loader takes every ``node.yaml`` of the chart, with the files that a pod would find."""

from pathlib import Path

import pytest
from factories.chart import PEM, Release, merged, moved_to, render
from factories.chart_matrix import (
    COUNTER,
    KEY_SET,
    KEYS,
    MATRIX,
    MOVING,
    ROLES,
    SENTINELS,
    SESSIONS,
    TOKEN,
    WATCHED,
)

from osak.node.auth.sessions import read_auth_server
from osak.node.config import ExpirySettings, LimitSettings, NodeConfig, load_node_config
from osak.node.storage_settings import RedisStorageSettings, SQLiteStorageSettings

ENTRIES = (
    *("ca.crt", "tls.crt", "tls.key", "password", "word", "token", "pin", "users.acl"),
    *("node.key", "2026.key", "2027.key", "2028.key"),
)
SECRETS = {
    name: dict.fromkeys(ENTRIES, b"from a Secret")
    for name in (
        *("osak-tls", "osak-node-key", "token-pin", "ria-tls", "ria-redis", "ria-redis-tls", "collector"),
        *("redis-login", "sentinel-login", "redis-tls", "rates-login", "old-login", "old-tls"),
    )
}


def _load(release: Release, folder: Path) -> NodeConfig:
    """What the node of this release would start with, its files below ``folder``."""
    release.write_files(release.pod, folder, SECRETS)
    command = release.container["command"]
    assert command[:4] == ["/opt/osak/bin/osak", "node", "run", "--config"]
    path = folder / command[4].lstrip("/")
    path.write_text(moved_to(folder, path.read_text(encoding="utf-8")), encoding="utf-8")
    names = {one["name"]: one.get("value", "ria-0") for one in release.container["env"]}
    return load_node_config(path, names)


@pytest.mark.parametrize("case", MATRIX)
def test_it_loads(case: str, tmp_path: Path) -> None:
    """Whatever the values, the node would start, and its folders are volumes."""
    release = render(MATRIX[case])
    config = _load(release, tmp_path)
    assert config.organisation == "Riigi Infosüsteemi Amet"
    assert str(config.public_url) == "https://osak.example.org:8443"
    mounts = {mount["mountPath"] for mount in release.container["volumeMounts"]}
    if config.audit is not None:
        assert config.audit.folder == tmp_path / "var/lib/osak/audit/ria-0"
        assert "/var/lib/osak/audit" in mounts
    if isinstance(config.storage, SQLiteStorageSettings):
        assert config.storage.path.parent == tmp_path / "var/lib/osak/shares"
        assert "/var/lib/osak/shares" in mounts
    assert (config.audit is None) == (case == "sqlite-without-audit")


def test_every_setting_arrives(tmp_path: Path) -> None:
    """What an operator writes into the values is what the node is told."""
    release = render(SENTINELS, COUNTER, ROLES, WATCHED, {"limits": {"nonceLife": "600s"}})
    config = _load(release, tmp_path)
    storage = config.storage
    assert isinstance(storage, RedisStorageSettings)
    assert (storage.mode, storage.master, storage.replicas) == ("sentinel", "shares", 1)
    assert [str(address) for address in storage.addresses] == ["s-1.internal:26379", "s-2.internal:26379"]
    assert (storage.username, storage.sentinel_username) == ("osak", "watcher")
    assert storage.sentinel_password_file == tmp_path / "etc/osak/redis/sentinel/password"
    assert storage.tls is not None
    assert storage.tls.key_file == tmp_path / "etc/osak/redis/tls/tls.key"
    limits = config.limits
    assert (limits.nonce_life, limits.rates.per_address) == (600, None)
    assert [str(proxy) for proxy in limits.trusted_proxies] == ["10.0.0.0/8", "2001:db8::1/128"]
    assert limits.counter is not None
    assert limits.counter.password_file == tmp_path / "etc/osak/counter/password/password"
    assert limits.counter.tls is not None
    assert limits.counter.tls.ca_file is None
    assert config.uploads is not None
    assert [sender.name for sender in config.uploads.senders] == ["Haigla", "Kohus"]
    assert config.uploads.senders[1].certificate_file is not None
    assert config.roles == ("shares", "capsules")
    assert config.trust is not None
    assert len(config.trust.intermediates) == 1
    assert (config.trust.anchors[0], config.trust.policies) == (
        "estonia",
        ("0.4.0.2042.1.2", "1.3.6.1.4.1.51361.*"),
    )
    revocation = config.trust.revocation
    assert (revocation.mode, revocation.timeout.seconds, revocation.max_age.seconds) == ("hard", 2, 600)
    assert [str(network) for network in revocation.networks] == ["10.2.0.0/16"]
    assert config.trust.smart_id is not None
    assert config.trust.smart_id.flow_types == ("Notification", "QR")
    assert config.capsules is not None
    assert config.capsules.anchors[0] == "estonia"
    assert config.traces is not None
    assert (config.traces.sample, config.traces.token_file is None) == (0.1, False)


def test_a_key_is_changed(tmp_path: Path) -> None:
    """All keys come from the one Secret, and each stands where the node looks for it."""
    release = render(KEYS)
    config = _load(release, tmp_path)
    places = tmp_path / "etc/osak/sealing"
    assert config.sealing.key_file == places / "node.key"
    assert config.sealing.next is not None
    assert config.sealing.next.key_file == places / "next.key"
    assert [source.key_file for source in config.sealing.old] == [places / "old-0.key", places / "old-1.key"]
    (volume,) = (volume for volume in release.pod["volumes"] if volume["name"] == "sealing")
    assert {item["key"]: item["path"] for item in volume["secret"]["items"]} == {
        "2027.key": "node.key", "2028.key": "next.key", "2026.key": "old-0.key", "node.key": "old-1.key"
    }  # fmt: skip


def test_a_token_guards_the_keys(tmp_path: Path) -> None:
    """The node asks the token that the values name, with a PIN that no other pod sees."""
    release = render(TOKEN)
    token = _load(release, tmp_path).sealing.token
    assert token is not None
    assert (token.module, token.label, token.key) == (Path("/bin/sh"), "keys", "ria")
    assert token.pin_file == tmp_path / "etc/osak/token/pin"
    assert ["token-pin" in str(pod) for pod in release.pods()] == [True, False]


def test_the_chart_s_redis_is_reached_by_name(tmp_path: Path) -> None:
    """With redis.enabled the node goes to that Redis by its Service, as the user that may do enough."""
    storage = _load(render(MATRIX["redis-own-tls"]), tmp_path).storage
    assert isinstance(storage, RedisStorageSettings)
    assert [str(address) for address in storage.addresses] == ["ria-redis:6379"]
    assert storage.username == "osak"
    assert storage.password_file is not None
    assert storage.tls is not None
    assert storage.allow_volatile is False
    counter = _load(render(MATRIX["redis-own-tls"]), tmp_path).limits.counter
    assert counter is not None
    assert [str(address) for address in counter.addresses] == ["ria-counter:6379"]
    assert (counter.username, counter.password_file is None) == ("osak", False)
    assert counter.tls is not None


def test_sessions_arrive(tmp_path: Path) -> None:
    """Keys of auth servers become files, which the node takes."""
    sessions = _load(render(SESSIONS), tmp_path).sessions
    assert sessions is not None
    assert (sessions.required, sessions.life) == (True, 8 * 3600)
    (server,) = sessions.auth_servers
    assert server.keys_file.read_text(encoding="utf-8") == KEY_SET
    assert set(read_auth_server(server.issuer, server.keys_file).keys) == {"1"}
    assert _load(render(), tmp_path / "without").sessions is None


def test_an_older_redis_is_moved_away_from(tmp_path: Path) -> None:
    """The node reaches it as it reaches its own, with files of its own, and the network lets it."""
    release = render(MATRIX["redis-own-from-redis"])
    config = _load(release, tmp_path)
    older = config.moving_from
    assert isinstance(older, RedisStorageSettings)
    assert [str(address) for address in older.addresses] == ["old.internal:6390"]
    assert older.password_file == tmp_path / "etc/osak/moving/password/password"
    assert older.tls is not None
    assert older.tls.ca_file == tmp_path / "etc/osak/moving/tls/ca.crt"
    assert older != config.storage
    ports = [
        port["port"]
        for rule in release.one("NetworkPolicy")["spec"]["egress"]
        for port in rule.get("ports", [])
    ]
    assert 6390 in ports
    assert _load(render(merged(MOVING)), tmp_path / "sqlite").moving_from is not None


def test_an_sqlite_file_is_moved_away_from(tmp_path: Path) -> None:
    """Its claim is mounted, and there is one process, which ends before the next begins."""
    release = render(MATRIX["redis-from-sqlite"])
    older = _load(release, tmp_path).moving_from
    assert isinstance(older, SQLiteStorageSettings)
    mounts = {mount["name"]: mount["mountPath"] for mount in release.container["volumeMounts"]}
    assert older.path == tmp_path / mounts["moving"].lstrip("/") / "shares.sqlite"
    (volume,) = [volume for volume in release.pod["volumes"] if volume["name"] == "moving"]
    assert volume["persistentVolumeClaim"]["claimName"] == "shares-ria-0"
    spec = release.workload["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_every_value_of_the_node_has_its_default() -> None:
    """Limits that the chart's values leave alone are the node's own defaults, so that the documents hold."""
    release = render()
    text = release.one("ConfigMap")["data"]["node.yaml"]
    limits, expiry = LimitSettings(), ExpirySettings.model_validate({})
    assert f"max_connections: {limits.max_connections}" in text
    assert f"max_connections_per_address: {limits.max_connections_per_address}" in text
    assert f"max_concurrent_requests: {limits.max_concurrent_requests}" in text
    for name in ("nonce_life", "request_timeout", "shutdown_timeout", "idle_timeout", "handshake_timeout"):
        assert f"{name}: {getattr(limits, name)}s" in text
    assert f"default: {expiry.default // 86400}d" in text


def test_certificates_become_files(tmp_path: Path) -> None:
    """Anchors of values stand where the configuration names them, whole."""
    _load(render(ROLES), tmp_path)
    for name in ("anchor-example-people", "intermediate-issuing", "capsules-people", "sender-1"):
        assert (tmp_path / f"etc/osak/trust/{name}.pem").read_text(encoding="ascii") == PEM
