# SPDX-License-Identifier: MIT
"""Looking people up in a real directory (slapd), over TLS."""

import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from factories.directories import (
    ID_CARD,
    JAAN,
    KATI,
    MARI,
    Listed,
    TestDirectory,
    issue,
    make_certificate,
    running_directory,
)
from factories.people import TestCA
from factories.quiet_ports import quiet_ports

from osak.client.directory.cache import LookupCache
from osak.client.directory.lookup import look_up
from osak.client.directory.settings import DirectorySettings
from osak.client.errors import DirectoryError, UsageError
from osak.coordinator.transport.tls import certificate_pin
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.strict_json import encode_base64

REFERRAL = """
dn: cn=elsewhere,dc=ESTEID,c=EE
objectClass: referral
objectClass: extensibleObject
cn: elsewhere
ref: ldap://127.0.0.1:1/dc=ESTEID,c=EE
"""


def _ask(settings: DirectorySettings, *codes: str) -> dict[str, list[str]]:
    found = look_up(settings, [f"PNOEE-{code}" for code in codes], cache=LookupCache())
    return {number: [one.kind for one in each.means] for number, each in found.items()}


def _changed(directory: TestDirectory, **members: Any) -> DirectorySettings:
    return DirectorySettings.model_validate(directory.section | members)


def _hang_up(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.close()


def test_everybody_is_found_at_once(settings: DirectorySettings) -> None:
    """Cards, Mobile-ID and nothing at all, each with the right person, in one conversation."""
    expected = {
        f"PNOEE-{MARI}": ["ID-card", "Digi-ID", "Mobile-ID"],
        f"PNOEE-{JAAN}": ["Mobile-ID"],
        f"PNOEE-{KATI}": ["Digi-ID E-RESIDENT"],
        "PNOEE-37605030299": [],
    }
    found = _ask(settings, MARI, JAAN, KATI, "37605030299")
    assert expected == {number: sorted(kinds, key=expected[number].index) for number, kinds in found.items()}


def test_a_certificate_of_a_stranger_is_told_and_not_used(settings: DirectorySettings) -> None:
    """What an unknown authority issued is passed over, though it stands at the right place of the tree."""
    found = look_up(settings, [f"PNOEE-{KATI}"], cache=LookupCache())[f"PNOEE-{KATI}"]
    assert [one.why for one in found.passed_over] == [
        "it is not by any of the authorities in the configuration"
    ]


def test_more_people_than_are_asked_at_once(settings: DirectorySettings) -> None:
    """A hundred and twenty searches go over one connection without the directory hanging up."""
    others = [f"3800101{number:04}" for number in range(120)]
    found = _ask(settings, *others, MARI)
    assert len(found) == 121
    assert "ID-card" in found[f"PNOEE-{MARI}"]


@pytest.mark.parametrize("typed", ["*", "PNOEE-*", "x)(objectClass=*", "\\2a", "PNOEE-48010010107\x00"])
def test_nothing_typed_becomes_part_of_a_filter(settings: DirectorySettings, typed: str) -> None:
    """Even a text that no check has seen is a value to the directory: it matches nobody."""
    assert not look_up(settings, [typed], cache=LookupCache())[typed].means


def test_a_referral_is_told_and_not_followed(tmp_path: Path, authority: TestCA) -> None:
    """A part of the tree that lies elsewhere is not asked for, and the answer says that it is not whole."""
    people = [Listed(issue(authority, ID_CARD, MARI), ID_CARD)]
    with running_directory(tmp_path / "slapd", authority, people, REFERRAL) as directory:
        settings = _changed(directory)
        found = look_up(settings, [f"PNOEE-{MARI}"], cache=LookupCache())[f"PNOEE-{MARI}"]
    assert not found.is_whole
    assert [one.kind for one in found.means] == ["ID-card"]


def test_what_was_found_is_remembered_for_a_while(tmp_path: Path, authority: TestCA) -> None:
    """Within its time an answer is taken from memory; somebody who was not found is asked for again."""
    clock = [0.0]
    cache = LookupCache(clock=lambda: clock[0])
    people = [Listed(issue(authority, ID_CARD, MARI), ID_CARD)]
    with running_directory(tmp_path / "slapd", authority, people) as directory:
        settings = _changed(directory, cache_for="60s")
        assert look_up(settings, [f"PNOEE-{MARI}"], cache=cache)[f"PNOEE-{MARI}"].means
        assert not look_up(settings, [f"PNOEE-{JAAN}"], cache=cache)[f"PNOEE-{JAAN}"].means
    clock[0] = 59.0
    assert look_up(settings, [f"PNOEE-{MARI}"], cache=cache)[f"PNOEE-{MARI}"].means
    with pytest.raises(DirectoryError):
        look_up(settings, [f"PNOEE-{JAAN}"], cache=cache)
    clock[0] = 60.0
    with pytest.raises(DirectoryError):
        look_up(settings, [f"PNOEE-{MARI}"], cache=cache)


def test_a_directory_that_is_down_is_named(directory: TestDirectory) -> None:
    """Nobody listens: that is an error with the directory's name, not an empty answer."""
    (port,) = quiet_ports(1)
    settings = _changed(directory, url=f"ldaps://localhost:{port}")
    with pytest.raises(DirectoryError, match=f"the directory ldaps://localhost:{port} could not be reached"):
        _ask(settings, MARI)


def test_an_untrusted_directory_is_not_asked(directory: TestDirectory, tmp_path: Path) -> None:
    """Its certificate is by another CA: no code leaves."""
    settings = _changed(directory, tls={"ca_file": str(make_certificate(tmp_path))})
    with pytest.raises(DirectoryError, match="showed a certificate that is not trusted"):
        _ask(settings, MARI)


def test_a_pin_is_as_good_as_an_authority(directory: TestDirectory) -> None:
    """The directory's own key can be pinned; another key ends the handshake, before a code leaves."""
    der = ssl.PEM_cert_to_DER_cert((directory.ca_file.parent / "cert.pem").read_text(encoding="ascii"))
    pinned = _changed(directory, tls={"pin_sha256": certificate_pin(der)})
    assert "ID-card" in _ask(pinned, MARI)[f"PNOEE-{MARI}"]
    other = _changed(directory, tls={"pin_sha256": encode_base64(bytes(32))})
    with pytest.raises(DirectoryError, match="the server's key is not the pinned one"):
        _ask(other, MARI)


def test_it_takes_the_connection_and_says_nothing(directory: TestDirectory) -> None:
    """A handshake that never ends costs its time and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = _changed(directory, url=f"ldaps://localhost:{port}", connect_seconds=0.2)
        with pytest.raises(DirectoryError, match="did not accept a connection in time"):
            _ask(settings, MARI)


def test_something_else_than_a_directory(directory: TestDirectory) -> None:
    """A port that speaks no TLS is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=_hang_up, args=(plain,))
        thread.start()
        settings = _changed(directory, url=f"ldaps://localhost:{plain.getsockname()[1]}")
        with pytest.raises(DirectoryError, match="could not be reached"):
            _ask(settings, MARI)
        thread.join()


def test_without_the_extra_it_is_named(settings: DirectorySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library is not installed, the next step is told."""
    monkeypatch.setitem(sys.modules, "sansldap", None)
    monkeypatch.delitem(sys.modules, "osak.client.directory.ldap", raising=False)
    with pytest.raises(UsageError, match=r"sansldap is missing: install osak\[directory\]"):
        _ask(settings, MARI)


def test_the_name_in_its_certificate_counts(directory: TestDirectory) -> None:
    """A certificate of the right CA for another name is refused."""
    settings = _changed(directory, url=f"ldaps://127.0.0.1:{directory.port}")
    with pytest.raises(DirectoryError, match="showed a certificate that is not trusted"):
        _ask(settings, MARI)


def test_a_wrong_base_is_told(directory: TestDirectory) -> None:
    """A base that the directory has not got is a mistake in the configuration, not an empty answer."""
    with pytest.raises(DirectoryError, match="has no such base"):
        _ask(_changed(directory, base="dc=NOBODY,c=EE"), MARI)
    with pytest.raises(DirectoryError, match="refused with invalid dn syntax"):
        _ask(_changed(directory, base="dc=ESTEID,=,"), MARI)


def test_anchors_that_cannot_be_read_are_told(directory: TestDirectory, tmp_path: Path) -> None:
    """A file without certificates stops the lookup: else everybody would seem to have nothing."""
    (tmp_path / "empty.pem").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match="expected CA certificates in PEM"):
        _ask(_changed(directory, anchors=[str(tmp_path / "empty.pem")]), MARI)


def test_anchors_that_can_issue_nothing_are_told(directory: TestDirectory, tmp_path: Path) -> None:
    """So is a person's certificate taken for its authority's, and whose it is."""
    (tmp_path / "mari.pem").write_bytes(TestCA().issue(common_name="MARI").certificate_pem)
    with pytest.raises(ConfigurationError, match=r"MARI.* is no authority's certificate"):
        _ask(_changed(directory, anchors=[str(tmp_path / "mari.pem")]), MARI)


def test_estonia_is_a_word_for_its_authorities(directory: TestDirectory) -> None:
    """``estonia`` needs no files; a test authority is none of them."""
    assert _ask(_changed(directory, anchors=["estonia"]), MARI) == {f"PNOEE-{MARI}": []}


def test_too_many_people_are_refused(settings: DirectorySettings) -> None:
    """More people than a conversation is for are refused before the directory is asked."""
    with pytest.raises(UsageError, match="500 people at most"):
        _ask(settings, *(f"3{number:010}" for number in range(501)))
