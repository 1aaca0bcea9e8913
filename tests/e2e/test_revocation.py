# SPDX-License-Identifier: MIT
"""Three node processes and an OCSP server of OpenSSL's: a revoked recipient opens nothing, whoever helps."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.conftest import NAMES, Ran
from factories.authorities import delegate_of
from factories.openssl_ocsp import free_port, openssl_ocsp
from factories.people import Person, TestCA, ocsp_at

from osak.client.cli.main import main
from osak.client.demo.servers import DemoServer, free_ports

CODE = "38001085718"


@dataclass(frozen=True)
class Strict:
    """Servers that refuse whatever they cannot learn, two people of one code, and where OCSP will be."""

    folder: Path
    authority: TestCA
    good: Person
    bad: Person
    port: int


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    """They run without an OCSP server; each test starts one, or none."""
    folder, authority, port = tmp_path_factory.mktemp("strict"), TestCA(), free_port()
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    good, bad = (
        authority.issue(f"PNOEE-{CODE}", extensions=[ocsp_at(f"http://127.0.0.1:{port}/")]) for _ in range(2)
    )
    for name, person in (("good", good), ("bad", bad)):
        (folder / f"{name}.p12").write_bytes(person.p12())
    (folder / "password").write_text("passwd\n")
    ports = free_ports(2 * len(NAMES))
    servers = [
        DemoServer(name, f"Asutus {name}", folder / name, ports[2 * number], ports[2 * number + 1])
        for number, name in enumerate(NAMES)
    ]
    try:
        for server in servers:
            server.set_up(folder / "ca.pem")
            yaml = server.folder / "node.yaml"
            text = yaml.read_text().replace("    mode: soft\n", "    mode: hard\n")
            yaml.write_text(text.replace("    networks: []\n", "    networks: [127.0.0.1]\n"))
            server.start()
        urls = [server.url for server in servers]
        options = ["--group", "eesti", "--threshold", "2", "--yes", "--config", str(folder / "osak.yaml")]
        assert main(["group", "add", *urls, *options]) == 0
        yield Strict(folder, authority, good, bad, port)
    finally:
        for server in servers:
            server.stop()


@pytest.fixture
def osak(capsys: pytest.CaptureFixture[str], strict: Strict) -> Callable[..., Ran]:
    """Run one command line with these servers."""

    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = main([*map(str, arguments), "--json", "--config", str(strict.folder / "osak.yaml")])
        out, err = capsys.readouterr()
        return Ran(code, json.loads(out) if out else {}, err)

    return run


def test_two_certificates_of_one_person(osak: Callable[..., Ran], strict: Strict, tmp_path: Path) -> None:
    """While the authority is away nobody opens the file; when it is back, only the good certificate does."""
    letter, box = tmp_path / "letter.txt", tmp_path / "a.cdoc2"
    letter.write_bytes(b"Tere!\n")
    assert osak("encrypt", letter, "-o", box, "--to", CODE).code == 0

    def opened(name: str, out: str) -> Ran:
        credential = [
            "--p12",
            strict.folder / f"{name}.p12",
            "--p12-password-file",
            strict.folder / "password",
        ]
        return osak("decrypt", box, "-o", tmp_path / out, *credential)

    late = strict.authority.issue(f"PNOEE-{CODE}", extensions=[ocsp_at(f"http://127.0.0.1:{strict.port}/")])
    (strict.folder / "late.p12").write_bytes(late.p12())
    away = opened("late", "away")
    assert away.code == 4
    assert "cannot learn whether the certificate was revoked" in away.errors
    assert "try again later: some servers cannot now" in away.errors
    with openssl_ocsp(
        tmp_path / "ocsp",
        strict.port,
        strict.authority,
        good=[strict.good],
        revoked=[strict.bad],
        signer=delegate_of(strict.authority),
    ):
        refused = opened("bad", "refused")
        assert refused.code == 4
        assert "the authentication certificate was refused" in refused.errors
        assert "what was refused will be again" in refused.errors
        assert opened("good", "good").code == 0
    assert (tmp_path / "good" / "letter.txt").read_bytes() == b"Tere!\n"
    assert not (tmp_path / "refused").exists()
    assert not (tmp_path / "away").exists()
    assert opened("good", "again").code == 0, "the answer is remembered when the authority is away again"
