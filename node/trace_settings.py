# SPDX-License-Identifier: MIT
"""What an operator writes into the YAML about traces."""

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, WithJsonSchema

from osak.node.setting_types import ExistingFile
from osak.shares.configuration import Settings

_EXPECTED: Final = "expected the URL of a collector, for example http://127.0.0.1:4318/v1/traces"


def parse_collector_url(value: Any) -> str:
    """Return ``value`` if it is an http or https URL without credentials in it.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(_EXPECTED)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(_EXPECTED)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a secret does not belong into a URL: use token_file")
    return value


class TraceSettings(Settings):
    """Where spans of requests go, by OTLP over HTTP; needs the extra ``traces``."""

    endpoint: Annotated[
        str, PlainValidator(parse_collector_url), WithJsonSchema({"type": "string", "pattern": "^https?://"})
    ] = Field(description="the collector's URL for traces, with its path: http://127.0.0.1:4318/v1/traces")
    token_file: ExistingFile | None = Field(
        None, description="file with a token that the collector wants, sent as Authorization: Bearer"
    )
    ca_file: ExistingFile | None = Field(
        None, description="PEM: whom to trust at an https endpoint; left out: the system's authorities"
    )
    sample: float = Field(1.0, gt=0, le=1, description="which part of all requests is traced")
    timeout_seconds: float = Field(5, gt=0, le=60, description="until the collector must have answered")
