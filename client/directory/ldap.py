# SPDX-License-Identifier: MIT
"""The one file that speaks LDAP (RFC 4511): an anonymous search for people's certificates.

What a directory may do to us is bounded: so many bytes, entries and certificates a person, so much time
for all of it; referrals are never followed; its certificate is settled in the handshake, before a code
leaves. Filters are built as values, never as text, so nothing that somebody typed can become part of one.
The library only turns messages into bytes and back (sansldap, docs/adr/0014); the connection is ours.
What the certificates are good for is for ``means`` to say.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import sansldap

from osak.client.directory.settings import DirectorySettings
from osak.client.errors import DirectoryError, UsageError
from osak.coordinator import TransportError
from osak.coordinator.transport.tls import make_context

MAX_ENTRIES: Final = 32
"""Of one person: a card, its predecessor, a Digi-ID, Mobile-ID, each with two certificates."""
MAX_CERTIFICATES: Final = 32
MAX_CERTIFICATE_BYTES: Final = 8 * 1024
MAX_ANSWER_BYTES: Final = 256 * 1024
"""Of one person; for several, as many times that."""
MAX_PEOPLE: Final = 500

_AT_ONCE: Final = 50  # OpenLDAP hangs up on strangers with more than 100 open requests
_READ_BYTES: Final = 2**16
_ATTRIBUTE: Final = "userCertificate;binary"


@dataclass(slots=True)
class Answer:
    """What a directory said of one person.

    Attributes:
        certificates: in DER, as they came: anything may be in them.
        is_whole: whether it did not send us on to another directory for more.
    """

    certificates: list[bytes] = field(default_factory=list)
    is_whole: bool = True
    entries: int = 0
    is_done: bool = False


async def find_certificates(settings: DirectorySettings, serial_numbers: Sequence[str]) -> dict[str, Answer]:
    """Ask for the certificates of all these people at once, over one connection.

    Args:
        settings: which directory.
        serial_numbers: such as ``PNOEE-38001085718``; they were checked.

    Raises:
        DirectoryError: it cannot be reached or trusted, or answers what it should not. The text names it.
        UsageError: too many people.
    """
    count = len(serial_numbers)
    if count > MAX_PEOPLE:
        raise UsageError(f"a directory is asked for {MAX_PEOPLE} people at most, not {count}")
    name = f"the directory {settings.url}"
    async with _translated(name), _connected(settings) as (reader, writer), _in_time(settings.answer_seconds):
        conversation = Conversation(reader, writer, MAX_ANSWER_BYTES * count)
        await conversation.bind()
        answers: dict[str, Answer] = {}
        people = iter(serial_numbers)
        while batch := list(islice(people, _AT_ONCE)):
            answers |= await conversation.search(settings.base, batch)
        return answers


class Conversation:
    """Requests and answers over one connection; every error of the library becomes ``BadAnswerError``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_bytes: int) -> None:
        self._reader = reader
        self._writer = writer
        self._left_bytes = max_bytes
        self._session = sansldap.LDAPClient()

    async def bind(self) -> None:
        """Say that nobody in particular asks, as directories with an old mind want to hear."""
        self._session.bind_simple()
        await self._send()
        for message in await self._receive():
            if not isinstance(message, sansldap.BindResponse):
                raise BadAnswerError("answered out of turn")
            _require_success(message.result)

    async def search(self, base: str, serial_numbers: Sequence[str]) -> dict[str, Answer]:
        """All these searches at once, until each is done."""
        answers = {self._ask(base, number): Answer() for number in serial_numbers}
        await self._send()
        while not all(answer.is_done for answer in answers.values()):
            for message in await self._receive():
                answer = answers.get(message.message_id)
                if answer is None or answer.is_done:
                    raise BadAnswerError("answered what was not asked")
                _take(message, answer)
        return dict(zip(serial_numbers, answers.values(), strict=True))

    def _ask(self, base: str, serial_number: str) -> int:
        return self._session.search_request(
            base,
            sansldap.SearchScope.SUBTREE,
            size_limit=MAX_ENTRIES,
            filter=sansldap.FilterEquality("serialNumber", serial_number.encode()),
            attributes=[_ATTRIBUTE],
        )

    async def _send(self) -> None:
        self._writer.write(self._session.data_to_send())
        await self._writer.drain()

    async def _receive(self) -> list[sansldap.LDAPMessage]:
        """The next messages, at least one."""
        while True:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                raise BadAnswerError("broke the connection off")
            self._left_bytes -= len(data)
            if self._left_bytes < 0:
                raise BadAnswerError(f"answered with more than {MAX_ANSWER_BYTES} bytes a person")
            try:
                messages = self._session.receive(data)
            except Exception as error:
                raise BadAnswerError("answered something that is not LDAP as it should be") from error
            if messages:
                return messages


def _take(message: sansldap.LDAPMessage, answer: Answer) -> None:
    """Add one message to what is known of a person."""
    match message:
        case sansldap.SearchResultEntry():
            answer.entries += 1
            found = [value for one in message.attributes if _is_wanted(one.name) for value in one.values]
            answer.certificates += found
            if answer.entries > MAX_ENTRIES or len(answer.certificates) > MAX_CERTIFICATES:
                raise BadAnswerError(f"has more than {MAX_ENTRIES} entries or certificates of one person")
            if any(len(value) > MAX_CERTIFICATE_BYTES for value in found):
                raise BadAnswerError(f"has a certificate of more than {MAX_CERTIFICATE_BYTES} bytes")
        case sansldap.SearchResultReference():
            answer.is_whole = False
        case sansldap.SearchResultDone():
            _require_success(message.result)
            answer.is_done = True
        case _:
            raise BadAnswerError("answered out of turn")


def _is_wanted(attribute: str) -> bool:
    # Types of attributes match in any case (RFC 4512, 2.5), and a directory may leave the option out.
    return attribute.lower() in {"usercertificate", _ATTRIBUTE.lower()}


def _require_success(result: sansldap.LDAPResult) -> None:
    code = result.result_code
    if code is sansldap.LDAPResultCode.SUCCESS:
        return
    if code is sansldap.LDAPResultCode.REFERRAL:
        raise BadAnswerError("sends us to another directory, which is never followed")
    if code is sansldap.LDAPResultCode.SIZE_LIMIT_EXCEEDED:
        raise BadAnswerError(f"has more than {MAX_ENTRIES} entries of one person, or serves no more")
    if code is sansldap.LDAPResultCode.NO_SUCH_OBJECT:
        raise BadAnswerError("has no such base; check it in the configuration")
    raise BadAnswerError(f"refused with {code.name.lower().replace('_', ' ')} ({code.value})")


class BadAnswerError(Exception):
    """What the directory did, as the end of a sentence that begins with its name; ends in ``_translated``."""


@asynccontextmanager
async def _connected(
    settings: DirectorySettings,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = make_context(settings.tls)
    # Directories of other makers promise no more than 1.2.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    async with asyncio.timeout(settings.connect_seconds):
        reader, writer = await asyncio.open_connection(settings.url.host, settings.url.port, ssl=context)
    try:
        yield reader, writer
    finally:
        # At once: waiting for a server's goodbye would be one more way for it to hold us.
        writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise BadAnswerError("did not answer in time") from error


@asynccontextmanager
async def _translated(name: str) -> AsyncIterator[None]:
    """Let only ``DirectoryError`` (and cancellation) out."""
    try:
        yield
    except (BadAnswerError, TransportError) as error:
        raise DirectoryError(f"{name} {error}") from error
    except ssl.SSLCertVerificationError as error:
        reason = getattr(error, "verify_message", "") or error.args[-1]
        raise DirectoryError(f"{name} showed a certificate that is not trusted: {reason}") from error
    except ssl.SSLError as error:
        raise DirectoryError(f"{name} could not be reached: no TLS connection could be made") from error
    except TimeoutError as error:
        raise DirectoryError(f"{name} did not accept a connection in time") from error
    except OSError as error:
        reason = error.strerror or str(error) or "no connection"
        raise DirectoryError(f"{name} could not be reached: {reason[:1].lower()}{reason[1:]}") from error
