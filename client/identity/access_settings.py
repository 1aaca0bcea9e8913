# SPDX-License-Identifier: MIT
"""The administrator's words about a proxy before an eID service: ``access`` in the client's YAML."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from osak.coordinator import TLSSettings
from osak.coordinator.upload_credential import ExistingFile, TokenFile
from osak.shares.configuration import Settings
from osak.shares.setting_types import URL


class AccessSettings(Settings):
    """By what a proxy knows this client: an access token, from a file or from a token endpoint.

    Attributes:
        token_file: the token; a file with nothing else in it.
        token_url: the endpoint that gives one for ``client_id`` (OAuth 2.0, client credentials).
        client_id: of this client at the endpoint.
        client_secret_file: its secret; a file with nothing else in it.
        scope: what is asked for there; empty leaves it to the endpoint.
        tls: how the endpoint's own certificate is trusted.
        dpop: whether the token is bound to a key of ours (RFC 9449).
        dpop_key_file: PEM, P-256, not encrypted; a token in a file is bound to it. Else each run makes one.
    """

    token_file: TokenFile | None = None
    token_url: URL | None = None
    client_id: Annotated[str, Field(max_length=200)] = ""
    client_secret_file: TokenFile | None = None
    scope: Annotated[str, Field(max_length=1000, pattern=r"^[!#-\[\]-~ ]*$")] = ""
    tls: TLSSettings = TLSSettings()
    dpop: bool = False
    dpop_key_file: ExistingFile | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        endpoint = (self.token_url, self.client_id or None, self.client_secret_file)
        if (self.token_file is None) == (endpoint == (None, None, None)):
            raise ValueError("name token_file, or token_url with client_id and client_secret_file")
        if self.token_file is None and None in endpoint:
            raise ValueError("token_url, client_id and client_secret_file go together")
        if self.dpop_key_file is not None and not self.dpop:
            raise ValueError("dpop_key_file is for dpop: true")
        if self.dpop and self.token_file is not None and self.dpop_key_file is None:
            raise ValueError("a token in a file is bound to a key: name dpop_key_file")
        return self
