# SPDX-License-Identifier: MIT
"""OpenSSL's own OCSP server as a process: what our questions and checks must get along with.

It is a real part (the program ``openssl``): without it tests are skipped, but with ``OSAK_TEST_ALL=1`` they
fail.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from factories.people import Person, TestCA

# Columns of OpenSSL's index: state, end, time of revocation, serial number, file, subject.
_END = "401231235959Z"
_REVOKED_AT = "240101000000Z,keyCompromise"


@contextmanager
def openssl_ocsp(
    folder: Path,
    port: int,
    authority: TestCA,
    *,
    good: Sequence[Person] = (),
    revoked: Sequence[Person] = (),
    signer: Person | None = None,
    minutes: int | None = None,
) -> Iterator[str]:
    """Serve OCSP on a loopback port for as long as the context lasts; yields its URL.

    Args:
        folder: an empty one for its files.
        port: a free one.
        authority: whose server it is.
        good: whose certificates stand in its index.
        revoked: whose do as revoked.
        signer: a delegate of the authority; None for the authority itself.
        minutes: until the next update; None for no word on it.
    """
    program = shutil.which("openssl")
    if program is None:
        if os.environ.get("OSAK_TEST_ALL"):
            pytest.fail("OSAK_TEST_ALL asks for it: openssl is not installed")
        pytest.skip("openssl is not installed")
    folder.mkdir()
    by = signer or Person(authority.certificate, authority.key)
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    (folder / "signer.pem").write_bytes(by.certificate_pem)
    (folder / "signer.key").write_bytes(by.key_pem)
    lines = [_line("V", "", person) for person in good] + [_line("R", _REVOKED_AT, one) for one in revoked]
    (folder / "index.txt").write_text("".join(lines))
    command = [program, "ocsp", "-port", str(port), "-index", "index.txt", "-CA", "ca.pem"]
    command += ["-rsigner", "signer.pem", "-rkey", "signer.key"]
    if minutes is not None:
        command += ["-nmin", str(minutes)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            _wait_until_ready(process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _line(state: str, revoked_at: str, person: Person) -> str:
    serial = f"{person.certificate.serial_number:X}"
    serial = serial if len(serial) % 2 == 0 else f"0{serial}"
    return f"{state}\t{_END}\t{revoked_at}\t{serial}\tunknown\t/CN={serial}\n"


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if b"waiting for" in line:
            return
    raise AssertionError("openssl ocsp did not start")
