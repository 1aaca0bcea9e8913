# SPDX-License-Identifier: MIT
"""What the Redis store promises beyond the contract of all stores: durability, outages, lives, rows."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from factories.quiet_ports import quiet_ports
from factories.redis_servers import (
    DURABLE,
    RedisServer,
    redis_cluster,
    redis_sentinels,
    redis_server,
    running,
    settings_for,
    wait_until,
)

from osak.node.errors import StorageError
from osak.node.storage import open_store
from osak.node.storage.base import Releases, ShareStore, StoredShare
from osak.node.storage.redis import RedisShareStore
from osak.node.storage.redis_rows import GRACE_SECONDS, share_key, spent_key
from osak.node.storage.row_bytes import read_share, share_bytes
from osak.shares.errors import ConfigurationError

NOW = int(time.time())
# As in configs/node.redis.yaml.
RIGHTS = (
    "~osak:* +get +set +del +exists +eval +scan +wait +time +info +config|get +cluster"
    " +hget +hgetall +hset +hdel +hincrby +pttl +pexpire"
)
SHARE = StoredShare("ab" * 16, "k1", b"sealed", b"tag", NOW, NOW + 10_000, b"h" * 32, "set=…")


def share(number: int) -> StoredShare:
    """One of many shares."""
    return replace(SHARE, share_id=f"{number:032x}")


async def recovered(call: Callable[[], Any], seconds: float = 20) -> Any:
    """What ``call`` returns once it no longer raises; it is asked again until then."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except StorageError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("no-appendfsync-on-rewrite", "yes"),
        ("maxmemory-policy", "allkeys-lru"),
    ],
)
async def test_refuses_what_could_lose_shares(tmp_path: Path, name: str, value: str) -> None:
    """Each weak setting stops the start and is named with its remedy; allow_volatile lets it pass."""
    with redis_server(tmp_path / "redis", **{name: value}) as server:
        with pytest.raises(StorageError, match=f"`{name} {value}`, set `{name} {DURABLE[name]}`"):
            await open_store(settings_for(server))
        store = await open_store(settings_for(server, allow_volatile=True))
        await store.add(SHARE)
        await store.close()


async def test_a_setting_changed_later_turns_readiness_red(tmp_path: Path) -> None:
    """Durability is asked for again at each check, and its return is noticed too."""
    with redis_server(tmp_path / "redis") as server:
        store = await open_store(settings_for(server))
        server.ask("CONFIG", "SET", "appendfsync", "everysec")
        with pytest.raises(StorageError, match="appendfsync always"):
            await store.check()
        server.ask("CONFIG", "SET", "appendfsync", "always")
        await store.check()
        await store.close()


async def test_a_replica_that_nobody_waits_for_is_refused(tmp_path: Path) -> None:
    """Replicas without storage.replicas, replicas that are not there, and a replica itself are refused."""
    ports = quiet_ports(2)
    master = RedisServer(tmp_path / "master", ports[0], DURABLE)
    replica = RedisServer(tmp_path / "replica", ports[1], DURABLE | {"replicaof": f"127.0.0.1 {ports[0]}"})
    with running(master, replica):
        wait_until(lambda: "master_link_status:up" in replica.ask("INFO", "replication"))
        for settings, complaint in (
            (settings_for(master), "set storage.replicas to 1 or more"),
            (settings_for(master, replicas=2), "a master has only 1"),
            (settings_for(replica), "this server is a replica"),
        ):
            with pytest.raises(StorageError, match=complaint):
                await open_store(settings)
        store = await open_store(settings_for(master, replicas=1))
        await store.add(share(1))
        replica.kill()
        with pytest.raises(StorageError, match="only 0 of 1 replicas"):
            await store.add(share(2))
        await store.close()


@pytest.mark.parametrize("days", [-1, 1])
async def test_clocks_that_differ_are_told(tmp_path: Path, days: int) -> None:
    """A node whose clock is a day off does not start, since Redis erases by its own."""
    complaint = pytest.raises(StorageError, match="clocks of this node and of Redis differ by 86400")
    with redis_server(tmp_path / "redis") as server, complaint:
        await RedisShareStore.open(settings_for(server), lambda: time.time() + 86_400 * days)


async def test_redis_lets_go_a_day_after_the_end(tmp_path: Path) -> None:
    """Shares and spent nonces have a life in Redis, longer than by the node's clock by a day, and no more."""
    with redis_server(tmp_path / "redis") as server:
        store = await open_store(settings_for(server))
        await store.add(SHARE)
        assert await store.spend(SHARE.share_id, "n1", NOW + 500)
        ends = server.ask("EXPIRETIME", share_key(SHARE.share_id))
        assert ends == f":{SHARE.expires_at + GRACE_SECONDS}\r\n"
        ends = server.ask("EXPIRETIME", spent_key(SHARE.share_id, "n1"))
        assert ends == f":{NOW + 500 + GRACE_SECONDS}\r\n"
        await store.close()


async def test_gone_and_back(tmp_path: Path) -> None:
    """While Redis is gone all is a StorageError; when it is back the same store works, nothing lost."""
    with redis_server(tmp_path / "redis") as server:
        store = await open_store(settings_for(server))
        await asyncio.gather(*(store.add(share(number)) for number in range(30)))
        server.kill()
        for call in (store.get(SHARE.share_id, NOW), store.add(SHARE), store.check()):
            with pytest.raises(StorageError, match="Redis failed"):
                await call
        server.start()
        await store.check()
        found = [await store.get(share(number).share_id, NOW) for number in range(30)]
        assert found == [share(number) for number in range(30)]
        await store.close()


async def test_a_redis_that_hangs_is_given_up(tmp_path: Path) -> None:
    """A server that takes connections and says nothing costs no more than the timeout."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        left.set()

    left = asyncio.Event()
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = settings_for(RedisServer(tmp_path, port), timeout_seconds=0.1)
    with pytest.raises(StorageError, match="Timeout"):
        await open_store(settings)
    silent.close()
    await left.wait()


# redis-py leaves connections to lost nodes to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_cluster_loses_one_master(tmp_path: Path) -> None:
    """The other masters' shares go on; when the lost one is back so are its; likewise when all were lost."""
    with redis_cluster(tmp_path) as servers:
        store = await open_store(settings_for(servers[0], mode="cluster"))
        await asyncio.gather(*(store.add(share(number)) for number in range(60)))
        servers[0].kill()
        results = [await outcome(store, number) for number in range(60)]
        assert 10 < results.count("there") < 50
        assert results.count("there") + results.count("failed") == 60
        servers[0].start()
        for number in range(60):
            kept = await recovered(partial(store.get, share(number).share_id, NOW))
            assert kept == share(number)
        for server in servers:
            server.kill()
        with pytest.raises(StorageError):
            await store.check()
        for server in servers:
            server.start()
        await recovered(store.check)
        assert await recovered(partial(store.get, share(1).share_id, NOW)) == share(1)
        await store.close()


async def outcome(store: ShareStore, number: int) -> str:
    """Whether a share is there, gone, or cannot be asked for."""
    try:
        found = await store.get(share(number).share_id, NOW)
    except StorageError:
        return "failed"
    return "gone" if found is None else "there"


async def test_sentinels_name_another_master(tmp_path: Path) -> None:
    """After a failover the store writes to the new master, and everything acknowledged is there."""
    with redis_sentinels(tmp_path) as servers:
        store = await open_store(
            settings_for(*servers[2:], mode="sentinel", master="shares", replicas=1, allow_volatile=True)
        )
        await asyncio.gather(*(store.add(share(number)) for number in range(30)))
        servers[0].kill()
        found = [await recovered(partial(store.get, share(number).share_id, NOW)) for number in range(30)]
        assert found == [share(number) for number in range(30)]
        with pytest.raises(StorageError, match="0 of 1 replicas"):
            await store.add(share(30))  # alone: nothing is acknowledged that one more loss would take
        await store.close()


async def test_tls_user_and_password(tmp_path: Path) -> None:
    """TLS with a private authority, and an ACL user with its password from a file, open the store."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    (tmp_path / "password").write_text("käsi-pikk-1\n", encoding="utf-8")
    (tmp_path / "wrong").write_text("other\n", encoding="utf-8")
    plain, secure = quiet_ports(2)
    extra = DURABLE | {
        "tls-port": str(secure),
        "tls-cert-file": str(tmp_path / "cert.pem"),
        "tls-key-file": str(tmp_path / "key.pem"),
        "tls-ca-cert-file": str(tmp_path / "ca.pem"),
        "tls-auth-clients": "no",
        "user": f"osak on >käsi-pikk-1 {RIGHTS}",
    }
    server = RedisServer(tmp_path / "redis", plain, extra)
    there = RedisServer(tmp_path, secure)
    login = {"username": "osak", "password_file": str(tmp_path / "password")}
    tls = {"ca_file": str(tmp_path / "ca.pem")}
    with running(server):
        store = await open_store(settings_for(there, tls=tls, **login))
        await store.add(SHARE)
        assert await store.spend(SHARE.share_id, "n", NOW + 5, NOW)
        await store.remember_releases(SHARE.share_id, Releases(5, (NOW, NOW)))
        assert await store.releases(SHARE.share_id) == Releases(5, (NOW, NOW))
        assert await store.delete(SHARE.share_id)
        await store.close()
        wrong = {"username": "osak", "password_file": str(tmp_path / "wrong")}
        for bad in ({"tls": tls, **wrong}, {"tls": {}, **login}, login):
            with pytest.raises(StorageError) as caught:
                await open_store(settings_for(there, timeout_seconds=0.5, **bad))
            assert "pikk" not in str(caught.value)


async def test_a_user_who_may_not_read_the_settings(tmp_path: Path) -> None:
    """An ACL without CONFIG GET is told what to allow."""
    user = "osak on >p ~osak:* +get +set +time +info"
    (tmp_path / "password").write_text("p", encoding="utf-8")
    with redis_server(tmp_path / "redis", user=user) as server:
        login = {"username": "osak", "password_file": str(tmp_path / "password")}
        with pytest.raises(StorageError, match=r"allow this user `\+config\|get`"):
            await open_store(settings_for(server, **login))


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\xff\xfe"])
async def test_password_files(tmp_path: Path, content: bytes) -> None:
    """A file that holds no password alone is a mistake of the configuration."""
    (tmp_path / "password").write_bytes(content)
    settings = settings_for(RedisServer(tmp_path, 1), password_file=str(tmp_path / "password"))
    with pytest.raises(ConfigurationError, match="expected a password"):
        await open_store(settings)


@pytest.mark.parametrize(
    "mistake",
    [
        {"addresses": []},
        {"addresses": ["redis"]},
        {"addresses": ["redis:70000"]},
        {"addresses": ["a:1", "b:2"]},
        {"addresses": ["unix:/run/redis"], "mode": "cluster"},
        {"mode": "sentinel"},
        {"master": "shares"},
        {"mode": "cluster", "database": 1},
        {"tls": {"key_file": __file__}},
        {"replicas": -1},
        {"password": "in the YAML"},
    ],
)
def test_mistakes_in_the_yaml(tmp_path: Path, mistake: dict[str, Any]) -> None:
    """What cannot work together is refused before anything is asked."""
    with pytest.raises(ValueError):
        settings_for(RedisServer(tmp_path, 6379), **mistake)


async def test_a_unix_socket(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """A Redis of the same machine can be reached without TCP."""
    socket = Path("/tmp") / f"osak-{quiet_ports(1)[0]}.sock"  # noqa: S108 - a socket's path has 107 bytes at most
    with redis_server(tmp_path / "redis", unixsocket=str(socket)) as server:
        store = await open_store(settings_for(server, addresses=[f"unix:{socket}"]))
        await store.add(SHARE)
        assert await store.get(SHARE.share_id, NOW) == SHARE
        await store.close()


def test_half_a_row_is_no_share() -> None:
    """Every row cut short, lengthened, or of another version is refused."""
    value = share_bytes(SHARE)
    assert read_share(SHARE.share_id, value) == SHARE
    damaged = [*(value[:length] for length in range(len(value))), value + b"\0", b"\x02" + value[1:]]
    for one in damaged:
        with pytest.raises(StorageError):
            read_share(SHARE.share_id, one)


async def test_a_row_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    """All others come, then it is told: who copies or counts a store must not think that this was all."""
    with redis_server(tmp_path / "redis") as server:
        store = await open_store(settings_for(server))
        assert isinstance(store, RedisShareStore)
        for number in range(300):
            await store.add(share(number))
        spoilt = share_key(share(7).share_id)
        await store._database.write(spoilt, "SET", spoilt, share_bytes(share(7))[:-1])
        found = set()
        with pytest.raises(StorageError, match="1 rows cannot be read"):
            async for row in store.walk():
                found.add(row.share_id)
        assert sorted(found) == [share(number).share_id for number in range(300) if number != 7]
        await store.close()


async def test_keys_that_no_node_wrote(tmp_path: Path) -> None:
    """Neither a name that is no text nor a key of another kind ends a walk before its time."""
    with redis_server(tmp_path / "redis") as server:
        store = await open_store(settings_for(server))
        assert isinstance(store, RedisShareStore)
        await store.add(SHARE)
        await store._database.write("", "SET", b"osak:share:{\xff}", share_bytes(SHARE))
        await store._database.write("", "HSET", "osak:share:{hash}", "name", "value")
        await store._database.write("", "HSET", f"osak:released:{{{SHARE.share_id}}}", "count", "junk")
        assert {row.share_id async for row in store.walk()} == {SHARE.share_id, "\ufffd"}
        with pytest.raises(StorageError):
            await store.releases(SHARE.share_id)
        await store.close()


async def test_a_row_that_takes_anothers_place_lives_as_long(tmp_path: Path) -> None:
    """Redis lets it go when it would have let go the one before."""
    with redis_server(tmp_path / "redis") as server:
        store = await open_store(settings_for(server))
        assert isinstance(store, RedisShareStore)
        await store.add(SHARE)
        assert await store.replace(SHARE, replace(SHARE, key_id="k2", sealed=b"sealed anew"))
        ends = await store._database.read("EXPIRETIME", share_key(SHARE.share_id))
        assert ends == SHARE.expires_at + GRACE_SECONDS
        await store.close()
