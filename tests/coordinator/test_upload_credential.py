# SPDX-License-Identifier: MIT
"""How a sender is known at a server that is closed to strangers, as the client's YAML says it."""

from pathlib import Path

import pytest

from osak.coordinator import Server, UploadCredential
from osak.coordinator.errors import Unreachable
from osak.coordinator.transport.tls import unverified_context
from osak.coordinator.upload_credential import MAX_TOKEN_CHARACTERS
from osak.shares.configuration import load_settings
from osak.shares.errors import ConfigurationError

TOKEN = "5up3r-secret-t0ken"


def load(folder: Path, upload: str) -> Server:
    """A server with this section ``upload``."""
    text = f"id: ria\norganisation: RIA\nurl: https://a.example\nupload: {{{upload}}}\n"
    return load_settings(text, Server, source="osak.yaml", environment={}, folder=folder)


def test_a_token_is_read_and_hidden(tmp_path: Path) -> None:
    """The token goes into one header and into nothing that people see."""
    (tmp_path / "ria.token").write_text(f"{TOKEN}\n", encoding="ascii")
    server = load(tmp_path, "token_file: ria.token")
    assert server.upload is not None
    assert server.upload.headers() == {"Authorization": f"Bearer {TOKEN}"}
    assert TOKEN not in repr(server)
    assert TOKEN not in str(server)
    assert hash(server.upload) == hash(server.upload.model_copy())


def test_a_certificate_alone_sends_no_header(tmp_path: Path) -> None:
    """A sender that is known by its certificate sends no token."""
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_bytes(b"garbage")
    server = load(tmp_path, "certificate_file: cert.pem, key_file: key.pem")
    assert server.upload is not None
    assert server.upload.headers() == {}
    with pytest.raises(Unreachable, match="no certificate and its key") as caught:
        server.upload.show_certificate(unverified_context())
    assert not caught.value.request_sent


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "expected a token alone"),
        (b"two words", "expected a token alone"),
        (b"two\nlines", "expected a token alone"),
        (b"a\x1b[2J", "expected a token alone"),
        (b"x" * (MAX_TOKEN_CHARACTERS + 1), "expected a token alone"),
        ("põhi".encode(), "cannot be read as a token"),
    ],
)
def test_files_that_hold_no_token(tmp_path: Path, content: bytes, problem: str) -> None:
    """What could not stand in a header is found when the YAML is read, and not repeated."""
    (tmp_path / "ria.token").write_bytes(content)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        load(tmp_path, "token_file: ria.token")
    assert "two" not in str(caught.value)


def test_the_longest_token(tmp_path: Path) -> None:
    """A token of exactly the limit is taken."""
    (tmp_path / "ria.token").write_bytes(b"x" * MAX_TOKEN_CHARACTERS)
    upload = load(tmp_path, "token_file: ria.token").upload
    assert isinstance(upload, UploadCredential)
    assert len(upload.headers()["Authorization"]) == MAX_TOKEN_CHARACTERS + len("Bearer ")


@pytest.mark.parametrize(
    ("upload", "problem"),
    [
        ("", "name token_file"),
        ("token_file: missing", "there is no file"),
        ("token_file: 7", "expected the path of a file"),
        ("certificate_file: here", "go together"),
        ("key_file: here", "go together"),
        ("token: abc", "upload.token"),
    ],
)
def test_mistakes_in_the_yaml(tmp_path: Path, upload: str, problem: str) -> None:
    """Each mistake is named."""
    (tmp_path / "here").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=problem):
        load(tmp_path, upload)
