# SPDX-License-Identifier: MIT
"""``osak dev eid-sim`` as people run it: a process, its files, a phone that shows what it is asked."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulator.phones_beside import Shown

from osak.client.cli.main import main
from osak.client.identity.settings import CredentialSettings, SmartIDSettings
from osak.client.identity.smart_id import SmartIDCredential
from osak.client.identity.smart_id_answers import verification_code
from osak.client.simulator.authority import Authority
from osak.client.simulator.people import SMART_ID_PERSON
from osak.client.simulator.phones import Phones
from osak.coordinator import Timeouts


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command in a process of its own, and what it said when it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "osak", "dev", "eid-sim", "--folder", str(folder), "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    said = ""
    while not said.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    try:
        yield process, json.loads(said)
    finally:
        process.kill()
        process.communicate()


def written_settings(facts: dict[str, Any]) -> SmartIDSettings:
    """What the command wrote for Smart-ID, as a client reads it."""
    written = yaml.safe_load(Path(facts["credentials"]).read_text(encoding="utf-8"))
    settings = CredentialSettings.model_validate(written["credentials"]).smart_id
    assert settings is not None
    return settings


async def test_a_person_signs(tmp_path: Path) -> None:
    """With the YAML it writes a client gets a signature; the terminal shows what the phone would."""
    with running(tmp_path / "sim", "--listen", "127.0.0.1:0", "--delay", "0.1") as (process, facts):
        smart_id = written_settings(facts)
        shown = Shown(Phones(Authority.make("nobody's")))
        asking = SmartIDCredential(
            f"etsi/{SMART_ID_PERSON}", smart_id, shown, Timeouts(), file_name="kiri.cdoc2"
        )
        signed = await asking.sign(b"a.b")
        assert SMART_ID_PERSON.encode() in signed.certificate_der
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f'code {shown.codes[0][1]}, "Open kiri.cdoc2"; answers OK in 0.1 s' in errors
    assert facts["simulator"] is True


def test_two_runs_are_one_authority(tmp_path: Path) -> None:
    """Whoever trusts the first run's people trusts the second's; its keys are read by nobody else."""
    before = Authority.kept_in(tmp_path, "people").certificate_pem
    assert Authority.kept_in(tmp_path, "people").certificate_pem == before
    assert stat.S_IMODE((tmp_path / "people-ca.key").stat().st_mode) == 0o600
    assert b"SIMULATOR" in Authority.kept_in(tmp_path, "people").certificate.subject.public_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--listen", "0.0.0.0:8843"), "--anywhere"),
        (("--listen", "[::]:8843"), "--anywhere"),
        (("--listen", "example.org:8843"), "not an IP address"),
        (("--listen", "127.0.0.1"), "IP:PORT"),
        (("--listen", "127.0.0.1:99999"), "IP:PORT"),
        (("--listen", "127.0.0.1:0", "--result", "USER_REFUSD"), "USER_REFUSED, USER_REFUSED_CERT_CHOICE"),
        (("--listen", "127.0.0.1:0", "--session-with", "http://a.example"), "--session-with: a server URL"),
    ],
)
def test_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    """By default nobody else reaches it; a mistake is told before it begins and leaves no folder behind."""
    folder = tmp_path / "sim"
    assert main(["dev", "eid-sim", "--folder", str(folder), *options]) == 2
    assert said in capsys.readouterr().err
    assert not folder.exists()


def test_a_folder_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that are no simulator's are named, and not overwritten."""
    for name in ("people-ca.pem", "people-ca.key"):
        (tmp_path / name).write_text("mine")
    assert main(["dev", "eid-sim", "--folder", str(tmp_path), "--listen", "127.0.0.1:0"]) == 2
    assert "no simulator's" in capsys.readouterr().err
    assert (tmp_path / "people-ca.key").read_text() == "mine"


def test_the_code_of_the_example() -> None:
    """The simulator's phone and osak work the code out apart, and agree."""
    from osak.client.identity import mobile_id  # noqa: PLC0415 - two functions of one name
    from osak.client.simulator.mobile_id import mobile_id_code  # noqa: PLC0415 - as above
    from osak.client.simulator.smart_id_v2 import smart_id_code  # noqa: PLC0415 - as above

    for digest in (bytes(32), bytes(range(32)), b"\xff" * 32):
        assert smart_id_code(digest) == verification_code(digest)
        assert mobile_id_code(digest) == mobile_id.verification_code(digest)
