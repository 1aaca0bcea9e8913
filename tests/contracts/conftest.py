# SPDX-License-Identifier: MIT
"""Redis in three shapes, started once for all tests of this folder and emptied for each."""

from collections.abc import Iterator

import pytest
from factories.redis_servers import RedisServer, redis_cluster, redis_sentinels, redis_server, settings_for

from osak.node.storage_settings import RedisStorageSettings


@pytest.fixture(scope="session")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def three_masters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """A Cluster."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture(scope="session")
def watched_master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """A master, a replica and three Sentinels."""
    with redis_sentinels(tmp_path_factory.mktemp("sentinel")) as servers:
        yield servers


@pytest.fixture
def redis(one_redis: RedisServer) -> RedisStorageSettings:
    """The server, empty."""
    one_redis.ask("FLUSHALL")
    return settings_for(one_redis)


@pytest.fixture(name="redis_cluster")
def cluster_settings(three_masters: list[RedisServer]) -> RedisStorageSettings:
    """The Cluster, empty, found through one of its nodes."""
    for server in three_masters:
        server.ask("FLUSHALL")
    return settings_for(three_masters[1], mode="cluster")


@pytest.fixture
def redis_sentinel(watched_master: list[RedisServer]) -> RedisStorageSettings:
    """What the Sentinels watch, empty; a write counts when the replica has it."""
    watched_master[0].ask("FLUSHALL")
    return settings_for(*watched_master[2:], mode="sentinel", master="shares", replicas=1)
