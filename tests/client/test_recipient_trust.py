# SPDX-License-Identifier: MIT
"""To whose certificates a sender may encrypt, where the configuration says whom to believe."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from factories.authorities import StatusServer, delegate_of
from factories.directories import ID_CARD, JAAN, MARI, Listed, TestDirectory, issue, running_directory
from factories.openssl_ocsp import free_port, openssl_ocsp
from factories.people import Person, TestCA, crl_at, ocsp_at
from factories.shell import Shell

from osak.client import Certificate, PublicKey, encrypt, plan
from osak.client import Person as Recipient
from osak.client.cli.plans import doubt_lines
from osak.client.config import ClientConfig
from osak.client.errors import CertificateStatusError, UntrustedCertificateError
from osak.shares.configuration import load_settings

CA = TestCA()
AGREEMENT = ("digital_signature", "key_agreement")


class ServerThread:
    """An authority's server in a thread of its own, since the client is synchronous."""

    def __init__(self) -> None:
        self.server = StatusServer(CA)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def start(self) -> None:
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self.loop).result()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def server() -> Iterator[StatusServer]:
    """The recipients' authority."""
    running = ServerThread()
    running.start()
    yield running.server
    running.stop()


def config(folder: Path, mode: str = "hard", *, more: str = "") -> ClientConfig:
    (folder / "ca.pem").write_bytes(CA.certificate_pem)
    text = f"trust: {{anchors: [ca.pem], revocation: {{mode: {mode}, networks: [127.0.0.0/8]}}{more}}}\n"
    return load_settings(text, ClientConfig, source="osak.yaml", environment={}, folder=folder)


def recipient(server: StatusServer, *, by: str = "ocsp") -> Person:
    place = ocsp_at(server.ocsp_url) if by == "ocsp" else crl_at(server.crl_url)
    return server.knows(CA.issue(usages=AGREEMENT, extensions=[place]))


def encrypted(folder: Path, settings: ClientConfig, *people: Person | TestCA) -> Path:
    (folder / "a.txt").write_bytes(b"text")
    out = folder / "out.cdoc2"
    encrypt(folder / "a.txt", [Certificate(one.certificate_pem) for one in people], out, config=settings)
    return out


@pytest.mark.parametrize("by", ["ocsp", "crl"])
def test_revoked(tmp_path: Path, server: StatusServer, by: str) -> None:
    """One revoked certificate among good ones: it is named, and nothing is written."""
    good, bad = recipient(server, by=by), recipient(server, by=by)
    assert encrypted(tmp_path, config(tmp_path), good).is_file()
    (tmp_path / "out.cdoc2").unlink()
    server.revoked.add(bad.certificate.serial_number)
    with pytest.raises(UntrustedCertificateError, match="TESTNUMBER,OK was revoked"):
        encrypted(tmp_path, config(tmp_path), good, bad)
    assert not (tmp_path / "out.cdoc2").exists()


def test_a_plan_tells_it_too(tmp_path: Path, server: StatusServer) -> None:
    """Whoever asks what would be done learns of a revoked certificate as well."""
    bad = recipient(server)
    server.revoked.add(bad.certificate.serial_number)
    with pytest.raises(UntrustedCertificateError):
        plan([Certificate(bad.certificate)], config=config(tmp_path))


def test_outage(tmp_path: Path, server: StatusServer) -> None:
    """When the authority cannot tell, soft encrypts and hard does not; what is known weighs more."""
    unknown, bad = recipient(server), recipient(server, by="crl")
    server.respond = lambda _body, _question: (_ for _ in ()).throw(RuntimeError)
    assert encrypted(tmp_path, config(tmp_path, "soft"), unknown).is_file()
    (tmp_path / "out.cdoc2").unlink()
    with pytest.raises(CertificateStatusError, match="TESTNUMBER,OK"):
        encrypted(tmp_path, config(tmp_path), unknown)
    server.revoked.add(bad.certificate.serial_number)
    with pytest.raises(UntrustedCertificateError):
        encrypted(tmp_path, config(tmp_path), unknown, bad)


def test_nothing_is_asked(tmp_path: Path, server: StatusServer) -> None:
    """Mode off asks nobody, and without ``trust`` nothing is checked at all."""
    bad = recipient(server)
    server.revoked.add(bad.certificate.serial_number)
    for settings in (config(tmp_path, "off"), ClientConfig()):
        encrypted(tmp_path, settings, bad).unlink()
    assert server.questions == 0


@pytest.mark.parametrize(
    "person",
    [
        TestCA("stranger").issue(usages=AGREEMENT),
        CA.issue(usages=("content_commitment",)),
        CA.issue(usages=("digital_signature",)),
        CA.issue(usages=None),
        CA.issue(usages=AGREEMENT, not_after=datetime.now(UTC) - timedelta(seconds=1)),
        CA,
    ],
    ids=["stranger's", "for signing", "no encryption", "no keyUsage", "ended", "authority"],
)
def test_certificates_that_are_not_believed(tmp_path: Path, person: Person | TestCA) -> None:
    """What has no path to an anchor, has ended or is for something else is refused without asking anybody."""
    with pytest.raises(UntrustedCertificateError):
        encrypted(tmp_path, config(tmp_path, "off"), person)


def test_policies(tmp_path: Path) -> None:
    """The configuration can ask for a policy."""
    settings = config(tmp_path, "off", more=", policies: [0.4.0.2042.1.2]")
    with pytest.raises(UntrustedCertificateError, match="policies"):
        encrypted(tmp_path, settings, CA.issue(usages=AGREEMENT))
    encrypted(tmp_path, settings, CA.issue(usages=AGREEMENT, policies=["0.4.0.2042.1.2"]))


def test_a_revoked_card_of_the_directory_is_left_out(tmp_path: Path, server: StatusServer) -> None:
    """Nobody chose it, so it stops nothing: the other card is used, or shares, and the plan says why."""
    place = [ocsp_at(server.ocsp_url)]
    cards = [server.knows(issue(CA, ID_CARD, code, extensions=place)) for code in (MARI, MARI, JAAN)]
    with running_directory(tmp_path / "slapd", CA, [Listed(card, ID_CARD) for card in cards]) as directory:
        server.revoked |= {cards[0].certificate.serial_number, cards[2].certificate.serial_number}
        settings = _with_directory(config(tmp_path), directory)
        mari, jaan = plan([Recipient(MARI), Recipient(JAAN)], config=settings)
        assert [record.scheme for record in mari.records] == ["SC01", "t-of-n"]
        assert [record.scheme for record in jaan.records] == ["t-of-n"]
        assert jaan.found is not None
        assert [(one.kind, "was revoked" in one.why) for one in jaan.found.passed_over] == [("ID-card", True)]


def test_a_card_of_the_directory_of_which_nobody_can_tell(tmp_path: Path, server: StatusServer) -> None:
    """Hard stops the work. Soft takes the card, and the plan and a warning say that it was not learnt."""
    card = issue(CA, ID_CARD, MARI, extensions=[ocsp_at(server.ocsp_url)])
    server.broken = True
    with running_directory(tmp_path / "slapd", CA, [Listed(card, ID_CARD)]) as directory:
        with pytest.raises(CertificateStatusError, match="nobody could tell whether the certificate of MÄND"):
            plan([Recipient(MARI)], config=_with_directory(config(tmp_path), directory))
        planned = plan([Recipient(MARI)], config=_with_directory(config(tmp_path, "soft"), directory))
    of_card, of_shares = planned[0].records
    assert "was revoked (OCSP: it answers HTTP 500)" in str(of_card.doubt)
    assert of_shares.doubt is None
    (line,) = doubt_lines(planned)
    assert line.endswith("; mode soft encrypts to it all the same")


def _with_directory(settings: ClientConfig, directory: TestDirectory) -> ClientConfig:
    """The same with a directory, and a group that nobody is asked for."""
    servers = [{"id": name, "organisation": name, "url": f"https://{name}.example"} for name in ("a", "b")]
    more = ClientConfig.model_validate(
        {"directory": directory.section, "groups": {"eesti": {"threshold": 2, "servers": servers}}}
    )
    return settings.model_copy(update={"directory": more.directory, "groups": more.groups})


@pytest.mark.parametrize("command", [("--dry-run",), ("--quiet",)])
def test_soft_is_not_silent(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Where nobody can tell, mode soft goes on; a warning says so, even with --quiet, and the JSON."""
    shell = Shell(capsys, tmp_path)
    recipient = CA.issue(usages=AGREEMENT, extensions=[ocsp_at(f"http://127.0.0.1:{free_port()}/")])
    (tmp_path / "ca.pem").write_bytes(CA.certificate_pem)
    (tmp_path / "mari.pem").write_bytes(recipient.certificate_pem)
    (tmp_path / "osak.yaml").write_text("trust: {anchors: [ca.pem], revocation: {networks: [127.0.0.1]}}\n")
    options: tuple[str | Path, ...] = ("--cert", tmp_path / "mari.pem", "-o", tmp_path / "a.cdoc2", *command)
    code, facts, errors = shell("encrypt", tmp_path / "a.txt", *options)
    assert code == 0
    assert "warning: nobody could tell whether the certificate of TESTNUMBER,OK (mari.pem) was rev" in errors
    assert "OCSP: no connection" in facts["plan"][0]["records"][0]["doubt"]


def test_an_answer_is_remembered_and_a_list_fetched_once(tmp_path: Path, server: StatusServer) -> None:
    """A program that encrypts again asks again only when the answer's time is over; one list is for all."""
    by_ocsp, *by_list = recipient(server), *(recipient(server, by="crl") for _ in range(3))
    settings = config(tmp_path)
    for _ in range(2):
        plan([Certificate(one.certificate) for one in (by_ocsp, *by_list)], config=settings)
    assert (server.questions, server.lists) == (1, 1)


def test_bare_keys(tmp_path: Path) -> None:
    """A key without a certificate is taken as it is named."""
    key = PublicKey(CA.issue().certificate.public_key())  # type: ignore[arg-type]  # the factory's keys are EC
    assert plan([key], config=config(tmp_path))


def test_at_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`osak encrypt --cert` ends with a sentence and a code, by the word of OpenSSL's OCSP server."""
    shell, port = Shell(capsys, tmp_path), free_port()
    place = ocsp_at(f"http://127.0.0.1:{port}/")
    good, bad, late = (CA.issue(usages=AGREEMENT, extensions=[place]) for _ in range(3))
    (tmp_path / "ca.pem").write_bytes(CA.certificate_pem)
    (tmp_path / "osak.yaml").write_text(
        "trust: {anchors: [ca.pem], revocation: {mode: hard, timeout: 10s, networks: [127.0.0.1]}}\n"
    )
    for name, person in (("good", good), ("bad", bad), ("late", late)):
        (tmp_path / f"{name}.pem").write_bytes(person.certificate_pem)

    def encrypt_for(name: str) -> tuple[int, str]:
        cert, box = tmp_path / f"{name}.pem", tmp_path / f"{name}.cdoc2"
        code, _, errors = shell("encrypt", tmp_path / "a.txt", "--cert", cert, "-o", box)
        return code, errors

    with openssl_ocsp(tmp_path / "ocsp", port, CA, good=[good], revoked=[bad], signer=delegate_of(CA)):
        assert encrypt_for("good")[0] == 0
        code, errors = encrypt_for("bad")
        assert code == 2
        assert "(bad.pem) was revoked" in errors
    (tmp_path / "good.cdoc2").unlink()
    code, errors = encrypt_for("late")
    assert code == 6
    assert "nobody could tell" in errors
    assert list(tmp_path.glob("*.cdoc2")) == []
