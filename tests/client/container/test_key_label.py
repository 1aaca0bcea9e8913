# SPDX-License-Identifier: MIT
"""Key labels: all forms ever seen are read, ours are the specification's, nothing ever raises."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from osak.client.container import key_label


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Alice", "Alice"),
        ("", ""),
        ("data:,LABEL=mylabel&TYPE=secret&V=1", "mylabel"),
        ("data:V=1&LABEL=passwordlabel&TYPE=pw", "passwordlabel"),
        ("data:V=1&FILE=rsa_pub.pem&TYPE=pub_key", "rsa_pub.pem"),
        ("data:,v=1&label=lab&type=pw", "lab"),
        ("data:V=1&LABEL=a,b&TYPE=pw", "a,b"),
        ("data:application/x-www-form-urlencoded,v=1&label=lab&type=pw", "lab"),
        ("data:;base64,dj0xJmxhYmVsPWxhYiZ0eXBlPXB3", "lab"),
        ("data:application/x-www-form-urlencoded;base64,dj0xJmxhYmVsPWxhYiZ0eXBlPXB3", "lab"),
        ("DATA:,v=1&label=lab&type=pw", "lab"),
        ("data:,v=1&cn=J%C3%95EORG%2CJAAK&type=ID-card&serial_number=PNOEE-38001085718", "JÕEORG,JAAK"),
        ("data:,SN=etsi%2FPNOEE-30303039914&TYPE=auth&V=1", "etsi/PNOEE-30303039914"),
        ("data:,v=1", "data:,v=1"),
        ("data:,v=1&label=minu+v%C3%B5ti&type=secret", "minu võti"),
        ("data:;base64,not base64!", "data:;base64,not base64!"),
        ("data:," + "a=1&" * 100, "data:," + "a=1&" * 100),
    ],
)
def test_all_seen_forms(stored: str, shown: str) -> None:
    """Labels of every writer, old and new, tell people what they were meant to."""
    assert key_label.display(stored) == shown


def test_written_forms() -> None:
    """Ours are ``data:,v=1&`` and lower-case names in alphabetical order."""
    assert key_label.for_password("Minu salasõna") == "data:,v=1&label=Minu+salas%C3%B5na&type=pw"
    assert key_label.for_secret("a;b") == "data:,v=1&label=a%3Bb&type=secret"
    assert key_label.for_person("etsi/PNOEE-48010010101") == "data:,v=1&sn=etsi%2FPNOEE-48010010101&type=auth"
    assert key_label.for_public_key(label="ab", file="k.pem") == "data:,v=1&file=k.pem&label=ab&type=pub_key"
    assert (
        key_label.for_certificate(cn="Jõeorg", cert_sha1="00ff", file=None)
        == "data:,v=1&cert_sha1=00ff&cn=J%C3%B5eorg&type=cert"
    )
    card = key_label.for_card(
        "Digi-ID", cn="A,B,1", serial_number="PNOEE-1", last_name="A", first_name=None, cert_sha1="00ff"
    )
    assert card == ("data:,v=1&cert_sha1=00ff&cn=A%2CB%2C1&last_name=A&serial_number=PNOEE-1&type=Digi-ID")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (
            "data:,v=1&cert_sha1=00ff&cn=J%C3%B5eorg&type=cert",
            "data:,v=1&cert_sha1=00ff&cn=J%C3%B5eorg&server_exp=1730992802&type=cert",
        ),
        (
            "data:,v=1&cn=A%2CB%2C1&serial_number=PNOEE-1&type=Digi-ID+E-RESIDENT",
            "data:,v=1&cn=A%2CB%2C1&serial_number=PNOEE-1&server_exp=1730992802&type=Digi-ID+E-RESIDENT",
        ),
        ("data:,v=1&file=k.pem&label=ab&type=pub_key", "data:,v=1&file=k.pem&label=ab&type=pub_key"),
        ("Jõeorg", "Jõeorg"),
    ],
)
def test_when_a_server_forgets_the_key(label: str, expected: str) -> None:
    """The labels that have a field for it get one; plain ones and those of bare keys stay as they are."""
    assert key_label.with_server_expiry(label, 1730992802) == expected


def test_file_name_that_is_no_text() -> None:
    """A file name that is not Unicode goes into a label with question marks."""
    assert "file=a%3F.pem" in key_label.for_public_key(label="x", file="a\udcff.pem")


@given(st.text(min_size=1))
def test_label_round_trip(label: str) -> None:
    """Whatever a label holds comes back, and the record is found by it."""
    stored = key_label.for_password(label)
    assert key_label.fields(stored) == {"v": "1", "type": "pw", "label": label}
    assert key_label.matches(stored, label)
    assert key_label.matches(stored, stored)


def test_free_text_matches_itself_only() -> None:
    """A plain label is found by its whole text, not by a part."""
    assert key_label.matches("Alice", "Alice")
    assert not key_label.matches("Alice", "Ali")


def test_a_label_is_found_however_its_letters_are_spelt() -> None:
    """The same word in another normal form means the same record; no label is not an empty one."""
    composed, decomposed = "võti", "vo\u0303ti"
    for stored, wanted in ((composed, decomposed), (decomposed, composed)):
        assert key_label.matches(stored, wanted)
        assert key_label.matches(key_label.for_password(stored), wanted)
    assert not key_label.matches("data:,v=1&type=pw", "")


@given(st.text(alphabet="data:;,base64=&%+AF\u00f5\u202e", max_size=60))
@example("data:;base64,\u00f5")
def test_reading_never_raises(stored: str) -> None:
    """Any label at all can be shown."""
    assert isinstance(key_label.display("data:" + stored), str)
