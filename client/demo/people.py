# SPDX-License-Identifier: MIT
"""A throw-away certificate authority and one person it vouches for, for the demo only."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from osak.client.simulator.authority import Authority, write_private


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Who receives the demo's file, and the files that prove it.

    Attributes:
        code: Estonian personal code of a person who does not exist.
        authority_file: PEM certificate of the throw-away authority.
        p12_file: the person's key and certificate.
        password_file: the password of ``p12_file``.
    """

    code: str
    authority_file: Path
    p12_file: Path
    password_file: Path = field(repr=False)


def make_person(folder: Path, code: str = "38001085718") -> DemoPerson:
    """Write a fresh authority and a fresh person into ``folder``."""
    authority = Authority.make("osak demo authority")
    issued = authority.issue(f"PNOEE-{code}", name=f"JÕEORG,JAAK-KRISTJAN,{code}")
    password = secrets.token_urlsafe(12)
    person = DemoPerson(code, folder / "authority.pem", folder / "person.p12", folder / "person.password")
    person.authority_file.write_bytes(authority.certificate_pem)
    write_private(person.password_file, f"{password}\n".encode())
    p12 = pkcs12.serialize_key_and_certificates(
        b"osak demo", issued.key, issued.certificate, None, BestAvailableEncryption(password.encode())
    )
    write_private(person.p12_file, p12)
    return person
