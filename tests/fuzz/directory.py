# SPDX-License-Identifier: MIT
"""Fuzz target: what a directory of certificates answers to a search.

Promised: an answer within the limits, or ``BadAnswerError``; and whatever came as certificates can be
judged without an error.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

import sansldap
from factories.directories import ID_CARD, MARI, issue
from factories.people import TestCA

from osak.client.directory import ldap
from osak.client.directory.means import sort_certificates

NUMBER = f"PNOEE-{MARI}"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
AUTHORITY = TestCA(now=NOW)
_BIND = bytes.fromhex("30 0c 02 01 01 61 07 0a 01 00 04 00 04 00")
_SEARCH = 2


def seeds() -> Iterable[bytes]:
    """An entry and the end; none; a referral; a refusal; more of everything."""
    good = issue(AUTHORITY, ID_CARD, MARI).der
    entry = _answered(lambda server: _entry(server, good, b"garbage"))
    done = _answered(lambda server: server.search_result_done(_SEARCH))
    reference = _answered(lambda server: server.search_result_reference(_SEARCH, ["ldap://elsewhere/"]))
    yield entry + done
    yield done
    yield entry + reference + done
    yield _answered(
        lambda server: server.search_result_done(_SEARCH, sansldap.LDAPResultCode.SIZE_LIMIT_EXCEEDED)
    )
    yield entry
    yield bytes.fromhex("30 84 7f ff ff ff 02 01 02 64")


def check(data: bytes) -> None:
    """Take it for the answer to one search."""
    try:
        answer = asyncio.run(_search(data))
    except ldap.BadAnswerError:
        return
    assert answer.is_done
    assert answer.entries <= ldap.MAX_ENTRIES
    assert len(answer.certificates) <= ldap.MAX_CERTIFICATES
    assert all(len(one) <= ldap.MAX_CERTIFICATE_BYTES for one in answer.certificates)
    found = sort_certificates(answer.certificates, NUMBER, [AUTHORITY.certificate], NOW)
    assert len(found.means) + len(found.passed_over) <= len(answer.certificates)


async def _search(data: bytes) -> ldap.Answer:
    reader = asyncio.StreamReader()
    reader.feed_data(_BIND)
    conversation = ldap.Conversation(reader, cast("asyncio.StreamWriter", _Nowhere()), 2**20)
    await conversation.bind()
    reader.feed_data(data)
    reader.feed_eof()
    return (await conversation.search("c=EE", [NUMBER]))[NUMBER]


class _Nowhere:
    """Takes what is sent."""

    def write(self, data: bytes) -> None:
        """Forget it."""

    async def drain(self) -> None:
        """Nothing waits."""


def _entry(server: sansldap.LDAPServer, *certificates: bytes) -> None:
    attribute = sansldap.PartialAttribute("userCertificate;binary", list(certificates))
    server.search_result_entry(_SEARCH, "cn=x,c=EE", [attribute])


def _answered(answer: Any) -> bytes:
    """What a server sends to the one search."""
    client, server = sansldap.LDAPClient(), sansldap.LDAPServer()
    client.bind_simple()
    server.receive(client.data_to_send())
    server.bind_response(1)
    client.receive(server.data_to_send())
    client.search_request("c=EE")
    server.receive(client.data_to_send())
    answer(server)
    return server.data_to_send()
