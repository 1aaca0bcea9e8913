# SPDX-License-Identifier: MIT
"""Who may store at this node, and how much: everybody, or the configured organisations within their quotas.

Sending is not what a person authenticates for, so the official programs bring nothing along; a node that
wants to know its senders closes itself to them. A token is compared as its SHA-256 with every sender's, in
constant time. A certificate is known by its key, which the TLS handshake has proved.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from osak.node.errors import SenderRefusedError
from osak.node.limits.counter import RateCounter, take
from osak.node.upload_settings import SenderSettings, UploadSettings
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.errors import ConfigurationError

_SCHEME: Final = "bearer"


class Senders:
    """The organisations that may store, or everybody."""

    def __init__(
        self, settings: UploadSettings | None, counter: RateCounter, count: Callable[[str], None]
    ) -> None:
        """Read the senders' certificates.

        Args:
            settings: left out, everybody may store.
            counter: of quotas.
            count: is told the name of each sender that is let in.

        Raises:
            ConfigurationError: a file holds no certificate, or two senders have the same key.
            OSError: one cannot be read.
        """
        self._senders = () if settings is None else settings.senders
        self._is_open = settings is None
        self._counter = counter
        self._count = count
        self._by_key: dict[bytes, SenderSettings] = {}
        for sender in self._senders:
            for key in _keys(sender):
                if self._by_key.setdefault(key, sender) is not sender:
                    raise ConfigurationError("uploads", [f"{sender.name}: another sender has the same key"])

    async def admit(self, authorization: str | None, certificate_der: bytes | None) -> str:
        """Return the name of who stores; empty where everybody may.

        Args:
            authorization: the header of that name.
            certificate_der: what the client showed and proved in the TLS handshake.

        Raises:
            SenderRefusedError: nobody we know.
            TooManyRequestsError: the quota is used up.
            StorageError: nobody can say.
        """
        if self._is_open:
            return ""
        sender = self._by_token(authorization) or self._by_certificate(certificate_der)
        if sender is None:
            raise SenderRefusedError("neither token nor certificate is that of a configured sender")
        await take(self._counter, f"sender:{sender.name}", sender.quota, f"of the sender {sender.name}")
        self._count(sender.name)
        return sender.name

    def _by_token(self, authorization: str | None) -> SenderSettings | None:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != _SCHEME:
            return None
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for sender in self._senders:  # all of them: the time must not tell how far one came
            if hmac.compare_digest(sender.token_sha256 or b"", digest):
                found = sender
        return found

    def _by_certificate(self, certificate_der: bytes | None) -> SenderSettings | None:
        if certificate_der is None:
            return None
        try:
            key = _key_of(x509.load_der_x509_certificate(certificate_der))
        except MALFORMED:
            return None  # TLS may take what cannot be read here; nobody is known by it
        return self._by_key.get(key)


def _keys(sender: SenderSettings) -> list[bytes]:
    if sender.certificate_file is None:
        return []
    try:
        certificates = x509.load_pem_x509_certificates(sender.certificate_file.read_bytes())
    except MALFORMED as error:
        raise ConfigurationError(str(sender.certificate_file), ["expected a certificate in PEM"]) from error
    return [_key_of(certificate) for certificate in certificates]


def _key_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
