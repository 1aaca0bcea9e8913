# SPDX-License-Identifier: MIT
"""The words in which nodes and clients say in their YAML whose certificates they believe: ``trust``.

Durations are a number and a unit; relative paths start at the YAML's folder. A file that is named must exist.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from osak.shares.certificates.anchors import ESTONIA, AnchorSource
from osak.shares.certificates.profile import ESTONIAN_POLICIES
from osak.shares.configuration import Settings
from osak.shares.setting_types import Duration, Network

# Of all questions about one certificate together, in units of the time for one.
PATIENCE: Final = 3
_POLICY: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,15})){1,20}(\.\*)?", re.ASCII)


def find_file(text: Any, info: ValidationInfo) -> Path:
    """The existing file that ``text`` names from the YAML's folder.

    Raises:
        ValueError: there is none.
    """
    if isinstance(text, Path):
        return text
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError("expected the path of a file")
    path = Path((info.context or {}).get("folder", Path())) / text
    try:
        found = path.is_file()
    except OSError as cause:  # a name no file can have
        raise ValueError("that cannot be the path of a file") from cause
    if not found:
        raise ValueError(f"no such file: {path}")
    return path


def find_anchor(text: Any, info: ValidationInfo) -> AnchorSource:
    """``estonia``, or an existing file.

    Raises:
        ValueError: neither.
    """
    return ESTONIA if text == ESTONIA else find_file(text, info)


def check_policy(text: Any) -> str:
    """A policy's OID, or one that ends in ``.*`` for all below it.

    Raises:
        ValueError: any other form.
    """
    if not isinstance(text, str) or not _POLICY.fullmatch(text):
        raise ValueError("a policy is an OID, for example 0.4.0.2042.1.2, or one with .* for all below it")
    return text


CertificateFile = Annotated[Path, PlainValidator(find_file), WithJsonSchema({"type": "string"})]
Anchor = Annotated[AnchorSource, PlainValidator(find_anchor), WithJsonSchema({"type": "string"})]
Policy = Annotated[
    str, PlainValidator(check_policy), WithJsonSchema({"type": "string", "pattern": f"^({_POLICY.pattern})$"})
]


def _duration(text: str, seconds: int, description: str) -> Any:
    return Field(timedelta(seconds=seconds), description=description, json_schema_extra={"default": text})


class RevocationSettings(Settings):
    """Whether authorities are asked if they took a certificate back (OCSP, and CRLs where that fails)."""

    mode: Literal["off", "soft", "hard"] = Field(
        "soft",
        description="off: nobody is asked. soft: what cannot be learnt does not count against a certificate. "
        "hard: it does",
    )
    timeout: Duration = _duration("3s", 3, "until an authority must have answered")
    max_age: Duration = _duration("1h", 3600, "an answer is believed at most so long, whatever it says")
    networks: tuple[Network, ...] = Field(
        (), description="addresses that may be asked although they are not public: an OCSP server of your own"
    )


class TrustSettings(Settings):
    """Whose certificates are believed."""

    anchors: tuple[Anchor, ...] = Field(
        min_length=1,
        description="PEM files: CA certificates that are trusted, roots or issuing CAs themselves; or the"
        " word estonia: the issuers of its ID-cards, Mobile-ID and qualified Smart-ID",
    )
    intermediates: tuple[CertificateFile, ...] = Field(
        (), description="PEM files: CA certificates between an anchor and people, not trusted by themselves"
    )
    policies: tuple[Policy, ...] | None = Field(
        None,
        description="policy OIDs of which a certificate must have one; []: any. Left out: 0.4.0.2042.1.2"
        " (NCP+) if estonia is an anchor, else any",
    )
    revocation: RevocationSettings = Field(default_factory=RevocationSettings)

    @property
    def accepted_policies(self) -> tuple[str, ...]:
        """OIDs of which a certificate must have one; empty: any."""
        if self.policies is not None:
            return self.policies
        return ESTONIAN_POLICIES if ESTONIA in self.anchors else ()
