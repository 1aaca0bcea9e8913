# SPDX-License-Identifier: MIT
"""Takes a renewed certificate into use while the node runs, and tells when it ends.

The files are read once a minute, and at once on SIGHUP. A pair that does not fit, as while the two are being
replaced, is no reason to stop: the old one stays in use, a warning is logged, and the next look may find it
whole. Trust anchors are read at the start only.
"""

import asyncio
import hashlib
from collections.abc import Sequence

from cryptography import x509
from prometheus_client import Gauge

from osak.node.config import TLSSettings
from osak.node.telemetry import Telemetry
from osak.node.tls import certificate_pin
from osak.node.tls_contexts import RenewableContext
from osak.shares.errors import ConfigurationError

LOOK_EVERY_SECONDS = 60


class CertificateWatch:
    """The files of a node's certificate, and the ports that use them."""

    def __init__(
        self, settings: TLSSettings, contexts: Sequence[RenewableContext], telemetry: Telemetry
    ) -> None:
        self._settings = settings
        self._contexts = contexts
        self._telemetry = telemetry
        self._end = Gauge(
            "osak_node_certificate_not_after_seconds",
            "When the certificate that clients see ends, in seconds since 1970.",
            registry=telemetry.registry,
        )
        self._in_use = self._digest()
        self._woken = asyncio.Event()
        self.pin = self._note()

    def look(self) -> bool:
        """Take the files into use if they have changed; return whether they were.

        Never raises: what is wrong with them is logged.
        """
        try:
            digest = self._digest()
            if digest == self._in_use:
                return False
            for context in self._contexts:
                context.renew()
            pin = self._note()
        except (ConfigurationError, OSError, ValueError) as error:
            self._telemetry.log.warning("certificate not renewed", reason=type(error).__name__)
            return False
        self._in_use, self.pin = digest, pin
        self._telemetry.log.info("certificate renewed", pin_sha256=pin)
        return True

    def wake(self) -> None:
        """Look at the files now; safe to call from a signal handler of the event loop."""
        self._woken.set()

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            self.look()

    def _digest(self) -> bytes:
        files = (self._settings.certificate_file, self._settings.key_file)
        return b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)

    def _note(self) -> str:
        """Set the gauge, and return the pin of the certificate in the file."""
        certificate = x509.load_pem_x509_certificate(self._settings.certificate_file.read_bytes())
        self._end.set(certificate.not_valid_after_utc.timestamp())
        return certificate_pin(certificate)
