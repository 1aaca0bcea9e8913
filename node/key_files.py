# SPDX-License-Identifier: MIT
"""Files of node keys as commands write them: plain, or sealed by the configured token."""

import os
import secrets
from pathlib import Path

from osak.node.config import NodeConfig
from osak.node.folder_sync import sync_folder
from osak.node.key_ring import key_of, read_master, read_ring
from osak.node.token_key import TokenKey
from osak.shares.errors import ConfigurationError


def make_next_key(config: NodeConfig, path: Path) -> str:
    """Write a key that can follow the one in use into a new file; return its id.

    Raises:
        ConfigurationError: the key in use is not what it should be, or the token cannot seal.
        OSError: the file exists, or cannot be written.
    """
    master = read_ring(config.sealing).active.next_key(secrets.token_bytes)
    return _write(config, master, path)


def make_secret(config: NodeConfig) -> None:
    """Let the configured token make the secret that seals keys.

    Raises:
        ConfigurationError: no token is configured, it cannot be used, or has that secret already.
        OSError: the file with the PIN cannot be read.
    """
    _token(config).make_secret()


def seal_key(config: NodeConfig, plain: Path, path: Path) -> str:
    """Write a plain key file's key into a new file, sealed by the configured token; return its id.

    Raises:
        ConfigurationError: no token is configured, it cannot seal, or ``plain`` is no key.
        OSError: a file cannot be read, exists, or cannot be written.
    """
    _token(config)
    return _write(config, read_master(plain), path)


def _token(config: NodeConfig) -> TokenKey:
    if config.sealing.token is None:
        raise ConfigurationError("sealing.token", ["name the token first that is to seal keys"])
    return TokenKey(config.sealing.token)


def _write(config: NodeConfig, master: bytes, path: Path) -> str:
    key_id = key_of(master, str(path)).key_id
    token = config.sealing.token
    content = master if token is None else TokenKey(token).seal(master, secrets.token_bytes)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(path.parent)
    except BaseException:
        path.unlink()  # half a key must not be put in use
        raise
    return key_id
