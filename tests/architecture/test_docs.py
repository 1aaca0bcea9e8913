# SPDX-License-Identifier: MIT
"""Documents that cannot rot: links lead somewhere, YAML loads, the test vector is what the code computes."""

import json
import re
from pathlib import Path

import pytest
import yaml

from osak.client.config import ClientConfig
from osak.client.container import key_schedule
from osak.node.config import load_node_config
from osak.shares import Threshold, commit, split
from osak.shares.configuration import load_settings
from osak.shares.protocol.recipient import recipient_id_from_person

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def _documents() -> list[Path]:
    """All Markdown files of ours; folders with a dot hold tools."""
    found = (path for path in ROOT.rglob("*.md") if path.is_file())
    return sorted(path for path in found if not any(part[0] == "." for part in path.relative_to(ROOT).parts))


DOCUMENTS = _documents()
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def _blocks(document: Path, info: str) -> list[str]:
    """Bodies of the fenced blocks whose first line says ``info``."""
    text = document.read_text(encoding="utf-8")
    return [found["body"] for found in _FENCE.finditer(text) if found["info"].strip() == info]


def _prose(document: Path) -> str:
    return _FENCE.sub("", document.read_text(encoding="utf-8"))


def _anchors(document: Path) -> set[str]:
    """Anchors of the headings, as code hosts make them: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#{1,6} (.+)$", _prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link leads to a file or folder that exists, and to a heading if it names one."""
    lost = []
    for found in _LINK.finditer(_INLINE_CODE.sub("", _prose(document))):
        if re.match(r"[a-z]+:", found["target"]):
            continue
        name, _, anchor = found["target"].partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(found["target"])
    assert lost == []


@every_document
def test_yaml_parses(document: Path) -> None:
    """Every fenced YAML block is YAML."""
    for block in _blocks(document, "yaml"):
        assert yaml.safe_load(block) is not None


@every_document
def test_named_files_exist(document: Path) -> None:
    """Every file of ours that a document names in code letters exists."""
    folders = "shares|node|coordinator|client|tests|configs|docs|helm|namespace"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", _prose(document))
    assert [name for name in named if not (ROOT / name).exists()] == []


@every_document
def test_people_in_examples_can_be_typed(document: Path) -> None:
    """Every personal code that an example encrypts to has the right check digit, so the example works."""
    for code in re.findall(r"--to (\d+)", document.read_text(encoding="utf-8")):
        assert recipient_id_from_person(code).endswith(code)


def test_every_decision_is_in_the_index() -> None:
    """Each file in docs/adr is linked in its index, with the title that stands in the file."""
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text(encoding="utf-8")
    files = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    assert [path.name for path in files] == re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index)
    for path in files:
        assert re.match(rf"# {path.name[:4]}: ", path.read_text(encoding="utf-8")), path.name


def test_operations_yaml_is_accepted(tmp_path: Path) -> None:
    """The YAML in docs/operations.md, with its additions, is taken by the real loaders."""
    node, *additions, client, servers = _blocks(ROOT / "docs" / "operations.md", "yaml")
    for name in ("tls/cert.pem", "tls/key.pem", "trust/people-ca.pem", "node.key"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "node.yaml").write_text(node, encoding="utf-8")
    assert load_node_config(tmp_path / "node.yaml", {}).id == "ria"
    for addition in additions:
        (tmp_path / "node.yaml").write_text(node + addition, encoding="utf-8")
        added = load_node_config(tmp_path / "node.yaml", {}).model_fields_set
        assert added >= set(yaml.safe_load(addition))
    config = load_settings(client + servers, ClientConfig, source="osak.yaml", environment={})
    assert config.group(None)[0] == "archive"
    assert len(config.capsule_servers) == 1


def test_format_vector_is_true() -> None:
    """The test vector in docs/format.md is what the code makes of the same randomness."""
    (block,) = _blocks(ROOT / "docs" / "format.md", "json vector")
    vector = json.loads(block)
    salt, first, *coefficients = (bytes.fromhex(text) for text in (vector["salt"], *vector["random"]))
    kek = key_schedule.shares_kek(first, salt, vector["recipient_id"])
    drawn = b"".join(coefficients)
    shares = split(kek, Threshold(vector["threshold"], vector["nodes"]), lambda count: drawn[:count])
    assert kek.hex() == vector["kek"]
    assert [share.value.hex() for share in shares] == vector["shares"]
    assert [commit(share, salt).hex() for share in shares] == vector["commitments"]
