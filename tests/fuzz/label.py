# SPDX-License-Identifier: MIT
"""Fuzz target: key labels, read in every form ever seen.

Promised: reading never raises, whatever a stranger stored; field names are lower case; a label that
was written machine-readable gives back what was put in.
"""

from collections.abc import Iterable

from osak.client.container import key_label


def seeds() -> Iterable[bytes]:
    """Every form: the specification's, both of Java's, libcdoc's, base64, and free text."""
    yield b"data:,v=1&label=kevade&type=pw"
    yield b"data:,LABEL=mylabel&TYPE=secret&V=1"
    yield b"data:V=1&LABEL=passwordlabel&TYPE=pw"
    yield b"data:v=1&file=a,b.pem&type=pub_key"
    yield b"data:application/x-www-form-urlencoded,v=1&type=auth&sn=etsi%2FPNOEE-48010010101"
    yield b"data:;base64,dj0xJnR5cGU9cHc="
    yield b"data:application/x-www-form-urlencoded;base64,dj0xJnR5cGU9cHc="
    yield b"data:,v=1&cn=J%C3%95EORG%2CJAAK-KRISTJAN%2C38001085718&type=ID-card&server_exp=2083232282"
    yield b"data:,v=1"
    yield b"data:;base64,%"
    yield "võti".encode()


def check(data: bytes) -> None:
    """Read it as stored by a stranger, then as somebody's wish."""
    text = data.decode("utf-8", "replace")
    found = key_label.fields(text)
    assert all(name == name.lower() for name in found), "a field's name is not in lower case"
    assert isinstance(key_label.display(text), str)
    assert key_label.matches(text, text), "a label does not match itself"
    if not text:
        return
    for write in (key_label.for_password, key_label.for_secret):
        stored = write(text)
        assert key_label.fields(stored)["label"] == text, "a label is not read as it was written"
        assert key_label.matches(stored, text)
        assert key_label.display(stored) == text
    certificate = key_label.for_certificate(cn=text, cert_sha1="00", file=text)
    assert key_label.fields(certificate) == {
        "v": "1",
        "type": "cert",
        "cn": text,
        "cert_sha1": "00",
        "file": text,
    }
    assert key_label.fields(key_label.for_person(text))["sn"] == text
