# SPDX-License-Identifier: MIT
"""Where trust begins: Estonia's authorities as the package has them, and PEM files."""

from pathlib import Path

import esteid_certificates
import pytest
from cryptography.x509.oid import NameOID
from factories.people import TestCA

from osak.shares.certificates.anchors import ESTONIA, check_fingerprint, read_anchors, read_authorities
from osak.shares.errors import ConfigurationError


def common_names(*sources: Path | str) -> list[str]:
    found = read_anchors([source if isinstance(source, Path) else ESTONIA for source in sources])
    return [str(one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for one in found]


def test_estonia() -> None:
    """The word means the issuers of ID-cards, Mobile-ID and qualified Smart-ID, and nobody's tests."""
    names = common_names(ESTONIA)
    assert {"ESTEID2018", "ESTEID2025", "EID-SK 2016", "SK ID Solutions EID-Q 2024E"} <= set(names)
    assert [name for name in names if "TEST" in name.upper().split() or "NQ" in name] == []


def test_files_beside_it(tmp_path: Path) -> None:
    """A PEM file may hold several certificates and stand beside the word."""
    file = tmp_path / "ca.pem"
    file.write_bytes(TestCA("one").certificate_pem + TestCA("two").certificate_pem)
    assert common_names(file, ESTONIA)[:3] == ["one", "two", "ESTEID2018"]


def test_a_file_without_certificates(tmp_path: Path) -> None:
    """A file that holds something else is named."""
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ConfigurationError, match=r"ca\.pem"):
        read_anchors([file])


@pytest.mark.parametrize("content", [TestCA("ESTEID2018").certificate_pem, b"nothing"], ids=["other", "none"])
def test_another_certificate_in_the_package(content: bytes) -> None:
    """A certificate of the right name that is not the known one is no anchor."""
    with pytest.raises(ConfigurationError, match="ESTEID2018"):
        check_fingerprint(content, "c45ae81a" * 8, "ESTEID2018")


def test_a_package_without_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of the package that lacks an authority is refused as a whole."""
    monkeypatch.setattr(esteid_certificates, "ISSUER_CERTS", {})
    with pytest.raises(ConfigurationError, match="esteid-certificates"):
        read_anchors([ESTONIA])


def test_a_person_is_no_authority(tmp_path: Path) -> None:
    """A person's certificate among authorities is told with its name; by it nobody could ever be believed."""
    file = tmp_path / "ca.pem"
    file.write_bytes(TestCA("one").certificate_pem + TestCA().issue().certificate_pem)
    with pytest.raises(ConfigurationError, match=r"TESTNUMBER.* is no authority's certificate"):
        read_authorities([ESTONIA, file])
    assert len(read_anchors([file])) == 2
