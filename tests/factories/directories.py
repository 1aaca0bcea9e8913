# SPDX-License-Identifier: MIT
"""A real directory of people's certificates: OpenLDAP's slapd on loopback, with the official one's tree.

It is a real part (Debian's ``slapd``): without it tests are skipped, but with ``OSAK_TEST_ALL=1`` they
fail. It runs as whoever runs the tests, in a folder of its own, over TLS with a certificate of a CA made
for it, and ends with the test.
"""

import os
import shutil
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.x509.oid import NameOID
from factories.people import Person, PrivateKey, TestCA
from factories.quiet_ports import quiet_ports
from factories.redis_servers import wait_until

ID_CARD = "Identity card of Estonian citizen"
DIGI_ID = "Digital identity card"
E_RESIDENT = "Digital identity card of e-resident"
MOBILE_ID = "Mobile-ID"
POLICIES = {
    ID_CARD: "1.3.6.1.4.1.51361.1.1.1",
    DIGI_ID: "1.3.6.1.4.1.51361.1.1.3",
    E_RESIDENT: "1.3.6.1.4.1.51361.1.1.4",
    MOBILE_ID: "1.3.6.1.4.1.10015.18.1",
}
CARD_USAGES = ("digital_signature", "key_agreement")
MARI, JAAN, KATI = "48010010107", "38001085718", "60001019906"
"""Valid codes of nobody."""
_SCHEMAS = ("core", "cosine", "inetorgperson")


def issue(
    authority: TestCA, organisation: str, code: str, key: PrivateKey | None = None, **more: Any
) -> Person:
    """A certificate for authentication as the official directory has it under this organisation."""
    usages = ("digital_signature",) if organisation == MOBILE_ID else CARD_USAGES
    chosen = {"usages": usages, "policies": [POLICIES[organisation]], "common_name": f"MÄND,MARI,{code}"}
    return authority.issue(f"PNOEE-{code}", key=key, **(chosen | more))


@dataclass(frozen=True)
class Listed:
    """One certificate's place in the directory, which says nothing of what it is."""

    person: Person
    organisation: str
    unit: str = "Authentication"


@dataclass(frozen=True)
class TestDirectory:
    """A directory that runs.

    Attributes:
        port: where it listens.
        ca_file: whom to trust for its certificate.
        anchors: whom to trust for people's.
    """

    __test__ = False

    port: int
    ca_file: Path
    anchors: Path

    @property
    def section(self) -> dict[str, Any]:
        """What an administrator writes to use it."""
        return {
            "url": f"ldaps://localhost:{self.port}",
            "base": "dc=ESTEID,c=EE",
            "anchors": [str(self.anchors)],
            "tls": {"ca_file": str(self.ca_file)},
        }


@contextmanager
def running_directory(
    folder: Path, authority: TestCA, people: Sequence[Listed], extra: str = ""
) -> Iterator[TestDirectory]:
    """A directory with these people; ``extra`` is more LDIF."""
    program = _program()
    folder.mkdir(exist_ok=True)
    (port,) = quiet_ports(1)
    (folder / "slapd.conf").write_text(_settings(folder), encoding="utf-8")
    (folder / "tree.ldif").write_text(_tree(people) + extra, encoding="utf-8")
    ca_file = make_certificate(folder)
    anchors = folder / "anchors.pem"
    anchors.write_bytes(authority.certificate_pem)
    (folder / "data").mkdir()
    settings = ["-f", str(folder / "slapd.conf")]
    subprocess.run(
        [program, "-T", "add", *settings, "-l", str(folder / "tree.ldif")], check=True, capture_output=True
    )
    with (folder / "slapd.log").open("ab") as log:
        process = subprocess.Popen(
            [program, "-d", "0", "-h", f"ldaps://127.0.0.1:{port}/", *settings], stdout=log, stderr=log
        )
    try:
        wait_until(lambda: _listens(process, port))
        yield TestDirectory(port, ca_file, anchors)
    finally:
        process.terminate()
        process.wait()


def server_context(folder: Path) -> ssl.SSLContext:
    """The server's end of TLS for a certificate that ``make_certificate`` made."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def make_certificate(folder: Path, name: str = "localhost") -> Path:
    """A certificate for this name in ``cert.pem`` and ``key.pem``; returns the file of its CA."""
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "tls-ca.pem")
    return folder / "tls-ca.pem"


def _program() -> str:
    found = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        if os.environ.get("OSAK_TEST_ALL"):
            pytest.fail("OSAK_TEST_ALL asks for it: slapd is not installed")
        pytest.skip("slapd is not installed")
    return found


def _settings(folder: Path) -> str:
    lines = [f"include /etc/ldap/schema/{name}.schema" for name in _SCHEMAS]
    lines += ["modulepath /usr/lib/ldap", "moduleload back_mdb"]
    lines += [f"TLSCertificateFile {folder}/cert.pem", f"TLSCertificateKeyFile {folder}/key.pem"]
    lines += ["database mdb", "maxsize 16777216", 'suffix "c=EE"', f"directory {folder}/data"]
    lines += ["index serialNumber eq", "access to * by * read"]
    return "\n".join(lines) + "\n"


def _tree(people: Sequence[Listed]) -> str:
    parents = {"c=EE": "country", "dc=ESTEID,c=EE": "domain"}
    entries = []
    for number, listed in enumerate(people):
        organisation = f"o={listed.organisation},dc=ESTEID,c=EE"
        unit = f"ou={listed.unit},{organisation}"
        parents |= {organisation: "organization", unit: "organizationalUnit"}
        entries.append(_entry(listed.person, f"cn={number},{unit}"))
    tops = [f"dn: {dn}\nobjectClass: {kind}\n" for dn, kind in parents.items()]
    return "\n".join((*tops, *entries))


def _entry(person: Person, dn: str) -> str:
    lines = [f"dn: {dn}", "objectClass: person", "objectClass: pkiUser", "objectClass: extensibleObject"]
    lines += [f"sn:: {b64encode(_name(person.certificate).encode()).decode()}"]
    lines += [f"serialNumber: {person.serial_number}"]
    lines += [f"userCertificate;binary:: {b64encode(person.der).decode()}"]
    return "\n".join(lines) + "\n"


def _name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _listens(process: "subprocess.Popen[bytes]", port: int) -> bool:
    assert process.poll() is None, "slapd did not start"
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
