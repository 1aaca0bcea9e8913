# SPDX-License-Identifier: MIT
"""``osak node init``: a new node's folder, whole or not at all.

Everything is written into a hidden folder beside the target and renamed into place at the end, so a
failure leaves nothing and an existing node is never touched. Keys are readable by their owner only.
Of a ``--trust`` file only the certificates are copied, never a private key that happens to lie in it.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from osak.node.config import check_node_name, parse_listen_address
from osak.node.folder_sync import sync_folder
from osak.node.sealing import NODE_KEY_BYTES
from osak.node.storage_settings import parse_redis_address
from osak.node.template import NewNode, render_config
from osak.node.tls import make_dev_certificate
from osak.shares.certificates.anchors import read_authorities
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.urls import ServerURL
from osak.shares.setting_types import check_organisation

CONFIG_NAME = "node.yaml"


@dataclass(frozen=True, slots=True)
class CreatedNode:
    """What ``init`` made.

    Attributes:
        files: all files, config first.
        pin_sha256: of the development certificate, or None if none was made.
    """

    folder: Path
    public_url: str
    files: tuple[Path, ...]
    pin_sha256: str | None


def create_node(
    folder: Path,
    *,
    node_id: str,
    organisation: str,
    url: str,
    listen: str | None = None,
    admin: str | None = None,
    redis: str | None = None,
    dev_tls: bool = False,
    trust: Sequence[Path] = (),
) -> CreatedNode:
    """Make a node's folder.

    Args:
        folder: must not exist, or be empty.
        node_id: short name of the node.
        organisation: who runs it.
        url: public URL, in any spelling.
        listen: ``HOST:PORT``; by default all addresses at the URL's port.
        admin: ``HOST:PORT``; by default loopback.
        redis: where a Redis keeps the shares; by default an SQLite file does.
        dev_tls: make a self-signed certificate.
        trust: PEM files of CA certificates to copy.

    Raises:
        ConfigurationError: a value is not what it should be, or the folder is not empty.
        OSError: something cannot be read or written.
    """
    public_url = _check(node_id, organisation, url, listen=listen, admin=admin, redis=redis)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(str(folder), ["exists already; choose a new or empty folder"])
    anchors = {f"trust/{path.name}": _certificates(path) for path in trust}
    if len(anchors) != len(trust):
        raise ConfigurationError("--trust", ["two files have the same name"])
    node = NewNode(
        id=node_id,
        organisation=organisation,
        public_url=str(public_url),
        listen=listen or f"0.0.0.0:{public_url.port}",
        admin=admin or "127.0.0.1:9443",
        anchors=tuple(anchors),
        redis=redis,
    )
    contents = {CONFIG_NAME: render_config(node).encode(), "node.key": secrets.token_bytes(NODE_KEY_BYTES)}
    pin = None
    if dev_tls:
        contents["tls/cert.pem"], contents["tls/key.pem"], pin = make_dev_certificate(
            public_url, datetime.now(UTC)
        )
    _write_folder(folder, contents | anchors)
    return CreatedNode(folder, str(public_url), tuple(folder / name for name in contents | anchors), pin)


def _check(
    node_id: str, organisation: str, url: str, *, listen: str | None, admin: str | None, redis: str | None
) -> ServerURL:
    """Find all mistakes before anything is written."""
    checks: list[tuple[str, Callable[[str], object], str | None]] = [
        ("--id", check_node_name, node_id),
        ("--organisation", check_organisation, organisation),
        ("--url", ServerURL.parse, url),
        ("--listen", parse_listen_address, listen),
        ("--admin", parse_listen_address, admin),
        ("--redis", parse_redis_address, redis),
    ]
    problems: list[str] = []
    for option, check, value in checks:
        try:
            if value is not None:
                check(value)
        except ValueError as error:
            problems.append(f"{option}: {error}")
    if "${" in organisation:
        problems.append("--organisation: ${ would be taken for a variable")
    if problems:
        raise ConfigurationError("osak node init", problems)
    return ServerURL.parse(url)


def _certificates(path: Path) -> bytes:
    return b"".join(item.public_bytes(serialization.Encoding.PEM) for item in read_authorities([path]))


def _write_folder(folder: Path, contents: dict[str, bytes]) -> None:
    missing = [each for each in folder.parents if not each.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in contents.items():
            target = draft / name
            target.parent.mkdir(exist_ok=True)
            mode = 0o600 if name.endswith(("node.key", "key.pem")) else 0o644
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for each in {(draft / name).parent for name in contents} | {draft}:
            sync_folder(each)
        draft.rename(folder)
        # A power cut soon after the first share must not take the key that opens it.
        for each in {folder.parent, *(each.parent for each in missing)}:
            sync_folder(each)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
