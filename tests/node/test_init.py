# SPDX-License-Identifier: MIT
"""``osak node init``: a whole folder or nothing, and nothing of what was there is touched."""

import os
import ssl
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from factories.people import TestCA

from osak.node.cli import node
from osak.node.config import load_node_config
from osak.node.storage_settings import RedisStorageSettings
from osak.node.tls import certificate_pin

NAMES = ("--id", "ria", "--organisation", 'Amet "A" # {b}', "--url", "https://Node.example/")


def init(folder: Path, *options: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(node, ["init", str(folder), *NAMES, *map(str, options)])


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A CA's certificate, with a private key lying in the same file."""
    authority = TestCA()
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.issue().key_pem + authority.certificate_pem)
    return path


def test_a_new_node(tmp_path: Path, authority: Path) -> None:
    """The folder holds configuration, key, certificate and anchors; keys are for their owner only."""
    folder = tmp_path / "deep" / "node"
    result = init(folder, "--dev-tls", "--trust", authority)
    assert result.exit_code == 0, result.output
    config = load_node_config(folder / "node.yaml", {})
    assert config.organisation == 'Amet "A" # {b}'
    assert str(config.public_url) == "https://node.example:443"
    assert config.listen.port == 443
    assert (folder / "node.key").stat().st_size == 32
    for secret in (folder, folder / "node.key", folder / "tls" / "key.pem"):
        assert secret.stat().st_mode & 0o077 == 0
    assert b"PRIVATE" not in (folder / "trust" / "ca.pem").read_bytes()
    pin = certificate_pin(x509.load_pem_x509_certificate((folder / "tls" / "cert.pem").read_bytes()))
    assert f"certificate pin (pin_sha256): {pin}\n" in result.stdout
    assert f"start it: osak node run -c {folder / 'node.yaml'}" in result.stdout


def test_a_power_cut_takes_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the command is done every file, its name and those of its folders are on the disk."""
    synced: set[int] = set()
    real = os.fsync

    def note(descriptor: int) -> None:
        real(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    folder = tmp_path / "deep" / "er" / "node"
    assert init(folder, "--dev-tls").exit_code == 0
    places = [tmp_path, tmp_path / "deep", tmp_path / "deep" / "er", folder, *folder.rglob("*")]
    assert len(places) > 6
    assert [place for place in places if place.stat().st_ino not in synced] == []


def test_two_nodes_have_two_keys(tmp_path: Path) -> None:
    """No key is made twice."""
    for name in ("a", "b"):
        init(tmp_path / name)
    assert (tmp_path / "a" / "node.key").read_bytes() != (tmp_path / "b" / "node.key").read_bytes()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """Without certificate and anchors the next steps name them, and the node does not start."""
    result = init(tmp_path / "n")
    assert "put the certificate and key" in result.stdout
    assert "trust.anchors" in result.stdout
    started = CliRunner().invoke(node, ["run", "-c", str(tmp_path / "n" / "node.yaml")])
    assert started.exit_code == 2
    assert "no such file" in started.stderr
    assert "at least one CA certificate" in started.stderr


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder with anything in it is refused and left as it is; an empty one is taken."""
    folder = tmp_path / "n"
    folder.mkdir()
    assert init(folder).exit_code == 0
    key = (folder / "node.key").read_bytes()
    result = init(folder)
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert (folder / "node.key").read_bytes() == key
    (tmp_path / "file").touch()
    assert init(tmp_path / "file").exit_code == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--url", "http://node.example"),
        ("--id", "R I A"),
        ("--organisation", "two\nlines"),
        ("--organisation", "${HOME}"),
        ("--listen", "8443"),
        ("--admin", "nowhere"),
        ("--trust", "no.pem"),
    ],
)
def test_mistakes_leave_nothing(tmp_path: Path, options: tuple[str, str]) -> None:
    """A wrong value is named by its option, and nothing is written."""
    (tmp_path / "no.pem").write_text("not a certificate")
    name, value = options
    result = init(tmp_path / "n", name, tmp_path / value if name == "--trust" else value)
    assert result.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["no.pem"]


def test_a_person_is_no_anchor(tmp_path: Path) -> None:
    """Somebody's own certificate instead of its authority's would shut everybody out: it is told at once."""
    (tmp_path / "mari.pem").write_bytes(TestCA().issue(common_name="MARI").certificate_pem)
    result = init(tmp_path / "n", "--trust", tmp_path / "mari.pem")
    assert result.exit_code == 2
    assert "MARI" in result.stderr
    assert not (tmp_path / "n").exists()


def test_two_anchors_of_one_name(tmp_path: Path, authority: Path) -> None:
    """Anchors keep their names, so two of one name are refused."""
    assert init(tmp_path / "n", "--trust", authority, "--trust", authority).exit_code == 2
    assert not (tmp_path / "n").exists()


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, authority: Path) -> None:
    """When the folder cannot be put in place, the draft is removed too."""
    (tmp_path / "file").touch()
    result = init(tmp_path / "file" / "n")
    assert result.exit_code == 6
    blocked = tmp_path / "dangling"
    blocked.symlink_to(tmp_path / "nowhere")
    result = init(blocked, "--trust", authority)
    assert result.exit_code == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "dangling", "file"]


def test_run_of_a_missing_file(tmp_path: Path) -> None:
    """A configuration that is not there is an error of the file system."""
    assert CliRunner().invoke(node, ["run", "-c", str(tmp_path / "none.yaml")]).exit_code == 6


@pytest.mark.parametrize("url", ["https://10.0.0.1:8443", "https://[::1]:8443", "https://localhost:8443"])
def test_development_certificate_fits_any_host(tmp_path: Path, url: str) -> None:
    """The self-signed certificate is for the URL's host, name or address, and can be its own CA."""
    assert (
        CliRunner()
        .invoke(node, ["init", str(tmp_path / "n"), *NAMES[:4], "--url", url, "--dev-tls"])
        .exit_code
        == 0
    )
    context = ssl.create_default_context(cafile=tmp_path / "n" / "tls" / "cert.pem")
    assert len(context.get_ca_certs()) == 1


def test_with_redis(tmp_path: Path, authority: Path) -> None:
    """Shares go to the Redis that was named, and what is none is refused before anything is written."""
    result = init(tmp_path / "n", "--dev-tls", "--trust", authority, "--redis", "redis:6379")
    assert result.exit_code == 0, result.output
    storage = load_node_config(tmp_path / "n" / "node.yaml", {}).storage
    assert isinstance(storage, RedisStorageSettings)
    assert [str(address) for address in storage.addresses] == ["redis:6379"]
    refused = init(tmp_path / "m", "--redis", "redis://redis:6379")
    assert (refused.exit_code, "--redis: an address is HOST:PORT" in refused.output) == (2, True)
    assert not (tmp_path / "m").exists()


def test_keep(tmp_path: Path) -> None:
    """With --keep a node that is there stays as it is; without, the folder is refused."""
    assert init(tmp_path / "n", "--keep").exit_code == 0
    key = (tmp_path / "n" / "node.key").read_bytes()
    again = init(tmp_path / "n", "--keep")
    assert (again.exit_code, "left as it is" in again.output) == (0, True)
    assert (tmp_path / "n" / "node.key").read_bytes() == key
    assert init(tmp_path / "n").exit_code == 2
