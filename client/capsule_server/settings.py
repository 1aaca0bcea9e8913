# SPDX-License-Identifier: MIT
"""A capsule server as the administrator writes it: ``capsule_servers.<id>`` in the client's YAML."""

from osak.coordinator import TLSSettings, UploadCredential
from osak.shares.configuration import Settings
from osak.shares.setting_types import URL, Duration


class CapsuleServer(Settings):
    """One capsule server; its id is its key in the YAML, and what containers name it by.

    Attributes:
        url: base URL for uploads.
        fetch_url: base URL for recipients; mutual TLS.
        tls: how the server's certificate is trusted, at both.
        expires_after: how long to ask it to keep a capsule; None leaves it to the server. A certificate
            that ends sooner ends the capsule too.
        upload: how the sender is known there, if the server wants to know.
    """

    url: URL
    fetch_url: URL
    tls: TLSSettings = TLSSettings()
    expires_after: Duration | None = None
    upload: UploadCredential | None = None
