# SPDX-License-Identifier: MIT
"""Node keys that a token seals, on SoftHSM: what opens them, and how each fault is told."""

import asyncio
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from factories.node_processes import make_node
from factories.tokens import PIN, CardBox, softhsm_module
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osak.node.key_ring import read_key_file, read_ring
from osak.node.sealing import NodeKey
from osak.node.sealing_settings import SealingSettings, TokenSettings
from osak.node.token_key import MAX_SEALED_BYTES, TokenKey
from osak.shares.errors import ConfigurationError

MASTER = bytes(range(32))


@dataclass
class Token:
    """A token with a secret, and where its PIN is."""

    module: Path
    pin_file: Path

    def settings(self, **changes: Any) -> TokenSettings:
        """The YAML's section."""
        usual = {"module": str(self.module), "label": "osak", "key": "node", "pin_file": str(self.pin_file)}
        return TokenSettings.model_validate(usual | changes)


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    """SoftHSM with one token and one secret."""
    box = CardBox(tmp_path / "box", softhsm_module())
    box.use(monkeypatch)
    box.add("osak")
    pin_file = tmp_path / "pin"
    pin_file.write_text(f"{PIN}\n", encoding="utf-8")
    made = Token(box.module, pin_file)
    TokenKey(made.settings()).make_secret()
    return made


def test_round_trip(token: Token, tmp_path: Path) -> None:
    """What the token sealed opens with it, both kinds of keys; sealed twice it is twice different."""
    key = TokenKey(token.settings())
    for master in (MASTER, NodeKey.from_bytes(MASTER).next_key(secrets.token_bytes)):
        sealed = [key.seal(master, secrets.token_bytes) for _ in range(2)]
        assert sealed[0] != sealed[1]
        assert master not in sealed[0]
        assert len(sealed[0]) <= MAX_SEALED_BYTES
        path = tmp_path / "node.key"
        path.write_bytes(sealed[1])
        assert read_key_file(path, key) == NodeKey.from_bytes(master)
        with pytest.raises(ConfigurationError, match="exactly 32 bytes"):
            read_key_file(path)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_else_opens(token: Token, data: st.DataObject) -> None:
    """Changed, cut or longer: it is refused, and the refusal names the file."""
    key = TokenKey(token.settings())
    sealed = bytearray(key.seal(MASTER, secrets.token_bytes))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    wrong = data.draw(st.sampled_from([bytes(sealed), bytes(sealed[:place]), bytes(sealed) + bytes(64)]))
    with pytest.raises(ConfigurationError, match=r"a\.key"):
        key.open(wrong, "a.key")


def test_another_secret(token: Token) -> None:
    """Another key of the same token opens nothing of this one."""
    TokenKey(token.settings(key="other")).make_secret()
    sealed = TokenKey(token.settings()).seal(MASTER, secrets.token_bytes)
    with pytest.raises(ConfigurationError, match="another secret sealed it"):
        TokenKey(token.settings(key="other")).open(sealed, "node.key")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": "nobody"}, "no token nobody"),
        ({"key": "nothing"}, "has not one secret key nothing"),
        ({"pin_file": "wrong"}, "does not take the PIN"),
        ({"module": "text"}, "cannot be used"),
    ],
)
def test_faults(token: Token, tmp_path: Path, changes: dict[str, str], said: str) -> None:
    """Each is told in a sentence that repeats no PIN."""
    (tmp_path / "wrong").write_text("739114", encoding="utf-8")
    (tmp_path / "text").write_text("no library", encoding="utf-8")
    for name in ("pin_file", "module"):
        if name in changes:
            changes = changes | {name: str(tmp_path / changes[name])}
    with pytest.raises(ConfigurationError, match=said) as caught:
        TokenKey(token.settings(**changes)).seal(MASTER, secrets.token_bytes)
    assert "739114" not in str(caught.value)
    assert PIN not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"739114\n\n", b"7391\x0014", b"\xff739114"])
def test_a_pin_file_that_holds_none(token: Token, content: bytes) -> None:
    """It is not sent, since a wrong PIN may be counted; nor is it repeated."""
    token.pin_file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="expected a PIN") as caught:
        TokenKey(token.settings()).seal(MASTER, secrets.token_bytes)
    assert "7391" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_is_made_once(token: Token) -> None:
    """A second of the same name would be a guess, so it is not made; nor can the first be taken out."""
    with pytest.raises(ConfigurationError, match="already"):
        TokenKey(token.settings()).make_secret()
    library = pkcs11.lib(str(token.module))
    try:
        with library.get_token(token_label="osak").open(user_pin=PIN) as session:
            (secret,) = session.get_objects({pkcs11.Attribute.LABEL: "node"})
            with pytest.raises(pkcs11.exceptions.AttributeSensitive):
                secret[pkcs11.Attribute.VALUE]
    finally:
        library.finalize()


def test_two_secrets_of_one_name(token: Token) -> None:
    """Other tools can make them; which to take would be a guess, so none is taken."""
    library = pkcs11.lib(str(token.module))
    try:
        with library.get_token(token_label="osak").open(rw=True, user_pin=PIN) as session:
            capabilities = pkcs11.MechanismFlag.SIGN
            session.generate_key(
                pkcs11.KeyType.GENERIC_SECRET, 256, label="node", store=True, capabilities=capabilities
            )
    finally:
        library.finalize()
    with pytest.raises(ConfigurationError, match="has not one secret key"):
        TokenKey(token.settings()).seal(MASTER, secrets.token_bytes)


def test_without_the_library(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra to install is named."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ConfigurationError, match="hsm"):
        TokenKey(token.settings()).seal(MASTER, secrets.token_bytes)


async def test_a_node_with_a_token(token: Token, tmp_path: Path) -> None:
    """A plain key is sealed by a command, and the node serves with it; the next key is made sealed."""
    node = make_node(tmp_path)
    folder = node.config_file.parent
    before = read_ring(node.config.sealing).active
    section = f"token: {{module: {token.module}, label: osak, key: node, pin_file: {token.pin_file}}}"
    plain = node.config_file.read_text(encoding="utf-8")
    node.config_file.write_text(plain.replace("  key_file: node.key", f"  key_file: node.key\n  {section}"))
    await osak_node(node.config_file, "seal", folder / "node.key", folder / "sealed.key")
    text = node.config_file.read_text(encoding="utf-8")
    node.config_file.write_text(text.replace("key_file: node.key\n", "key_file: sealed.key\n"))
    (folder / "node.key").unlink()
    await osak_node(node.config_file, "new", folder / "next.key")
    next_key = SealingSettings.model_validate(
        {"key_file": str(folder / "next.key"), "token": token.settings().model_dump(mode="json")}
    )
    assert read_ring(next_key).active.recipient_key == before.recipient_key
    await node.start()
    try:
        status, path, _ = await node.upload(b"s" * 32)
        assert status == 201
        assert await node.fetch(path, await node.ticket(path)) == (200, b"s" * 32)
    finally:
        await node.end()
    log = node.config_file.with_suffix(".log").read_text(encoding="utf-8")
    assert PIN not in log


async def osak_node(config_file: Path, command: str, *files: Path) -> None:
    """``osak node key COMMAND``."""
    arguments = ("-m", "osak.node", "key", command, "-c", *map(str, (config_file, *files)))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=os.environ.copy())
    assert await process.wait() == 0
