# SPDX-License-Identifier: MIT
"""``credentials`` in the client's YAML: what the documents show is taken, and mistakes are told."""

import re
from pathlib import Path

import pytest

from osak.client.config import ClientConfig
from osak.shares.configuration import load_settings
from osak.shares.errors import ConfigurationError

ROOT = Path(__file__).parents[3]


def load(text: str, folder: Path) -> ClientConfig:
    return load_settings(text, ClientConfig, source="osak.yaml", environment={}, folder=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the documents name."""
    for name in ("EID-Q_2021E.pem", "EID-Q_2024E.pem", "smart-id-tls.pem", "login-tls.pem"):
        (tmp_path / "trust").mkdir(exist_ok=True)
        (tmp_path / "trust" / name).touch()
    (tmp_path / "eid-client-secret").write_text("secret")
    return tmp_path


def test_the_document(folder: Path) -> None:
    """The YAML in docs/identities.md is taken; paths start at its folder."""
    document = (ROOT / "docs" / "identities.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    (block,) = [block for block in blocks if block.startswith("credentials:")]
    credentials = load(block, folder).credentials
    assert credentials.smart_id is not None
    assert credentials.mobile_id is not None
    assert credentials.smart_id.anchors == (
        folder / "trust" / "EID-Q_2021E.pem",
        folder / "trust" / "EID-Q_2024E.pem",
    )


def test_the_example(folder: Path) -> None:
    """What stands as a comment in configs/client.yaml is taken without its comment signs."""
    text = (ROOT / "configs" / "client.yaml").read_text("utf-8")
    block = text[text.index("credentials:") : text.index("timeouts:")]
    keys = re.sub(r"^  # ((?:  )*[a-z_0-9]+:.*)$", r"  \1", block, flags=re.MULTILINE)
    credentials = load(keys, folder).credentials
    assert credentials.smart_id is not None
    assert credentials.mobile_id is not None
    assert credentials.smart_id.tls.ca_file == folder / "trust" / "smart-id-tls.pem"
    assert credentials.smart_id.access is not None
    assert credentials.smart_id.access.dpop
    assert credentials.pkcs11.slot == 0


SMART_ID = """
credentials:
  smart_id:
    url: {url}
    relying_party_uuid: {uuid}
    relying_party_name: DEMO
    anchors: {anchors}
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"anchors": "[trust/nowhere.pem]"}, "no such file"),
        ({"anchors": "[]"}, "anchors"),
        ({"uuid": "DEMO"}, "relying_party_uuid"),
        ({"url": "http://sid.example"}, "url"),
    ],
)
def test_mistakes(folder: Path, change: dict[str, str], said: str) -> None:
    """What cannot work is told when the file is read, not when a person waits."""
    values = {
        "url": "https://sid.example/v2",
        "uuid": "00000000-0000-0000-0000-000000000000",
        "anchors": "[trust/EID-Q_2021E.pem]",
    }
    assert load(SMART_ID.format(**values), folder).credentials.smart_id is not None
    with pytest.raises(ConfigurationError, match=said):
        load(SMART_ID.format(**{**values, **change}), folder)


def test_a_module_beside_the_file(folder: Path) -> None:
    """A relative module starts at the YAML's folder, never at wherever the command runs."""
    credentials = load("credentials: {pkcs11: {module: lib/card.so}}", folder).credentials
    assert credentials.pkcs11.module == folder / "lib" / "card.so"
