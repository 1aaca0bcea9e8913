# SPDX-License-Identifier: MIT
"""The container vectors are what the generator gives; good ones open, bad ones fail as promised.

The good ones open by osak and by the independent reader; the bad ones leave nothing behind, in the
library and on the command line.
"""

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from Crypto.PublicKey import ECC, RSA
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from independent import reader
from vectors.generate import FOLDER, contents, written

from osak.client.cli.main import main
from osak.client.container import (
    ContainerHeader,
    KekUnlocker,
    KeySharesCapsule,
    Limits,
    MemorySink,
    PasswordUnlocker,
    PrivateKeyUnlocker,
    SymmetricUnlocker,
    ThresholdSharesCapsule,
    Unlocker,
    errors,
    extract,
    read_header,
    unlock,
)
from osak.shares import Share, SharesError, Threshold, combine, combine_all

Case = Mapping[str, Any]


def _document(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


KEYS: Mapping[str, str] = _document("keys.json")
GOOD: Sequence[Case] = _document("containers.json")
REFUSED: Case = _document("refused.json")
# For every kind of reason: the error and the exit code of the command line.
KINDS: Mapping[str, tuple[type[Exception], int]] = {
    "damaged": (errors.DamagedContainerError, 5),
    "limit": (errors.LimitExceededError, 5),
    "unsafe-name": (errors.UnsafeNameError, 5),
    "unsupported": (errors.UnsupportedError, 5),
    "wrong-key": (errors.WrongKeyError, 3),
    "no-recipient": (errors.NoRecipientError, 3),
    "wrong-share": (SharesError, 4),
}
# For every reason: the words that tell it from others of its kind.
WORDS: Mapping[str, str] = {
    "not-a-container": "does not begin with CDOC",
    "version": "of version",
    "cut-short": "cut short: it ends (within the header|before the payload)",
    "header-length": "header is said to have",
    "header-structure": "the header is damaged",
    "payload-method": "payload is encrypted by an unknown method",
    "recipients": "max_recipients",
    "no-recipient": "the key fits none",
    "wrong-key": "does not open",
    "point-off-curve": "not a point",
    "rsa-decryption": "does not decrypt",
    "kek-length": "holds a KEK of",
    "key-records": "max_key_records",
    "rounds": "rounds of PBKDF2",
    "commitment-mismatch": "match (its|their) commitment",
    "too-few-shares": "shares given",
    "wrong-tag": "authentication tag is wrong",
    "zlib": "compressed data",
    "archive": "archive|extended header|zero block",
    "not-a-file": "not only regular files",
    "name": "file name",
    "same-name": "side by side",
    "name-length": "max_name_bytes",
    "entries": "max_entries",
    "output": "max_output_bytes",
    "pax-length": "max_pax_header_bytes",
    "ratio": "max_ratio",
}
# For every reason why a record is of no use: the words that say so.
UNUSABLE: Mapping[str, str] = {
    "threshold": "threshold of|no share",
    "index": "indices",
    "commitment": "commitment",
    "share-set": "share set",
    "scheme": "scheme",
    "recipient-type": "type of share recipient",
    "curve": "curve",
    "point": "uncompressed point",
    "rounds": "rounds",
    "kdf": "key derivation",
    "unknown-kind": "unknown kind",
    "fmk-method": "FMK encryption method",
    "fmk-length": "encrypted FMK has",
}


def unlocker(header: ContainerHeader, credential: Case) -> Unlocker:
    """The credential as osak takes it; shares are combined first."""
    if "secret" in credential:
        return SymmetricUnlocker(bytes.fromhex(credential["secret"]))
    if "password" in credential:
        return PasswordUnlocker(credential["password"])
    if "key" in credential:
        key = load_pem_private_key(KEYS[credential["key"]].encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        return PrivateKeyUnlocker(key)
    values = {place(share): bytes.fromhex(share["value"]) for share in credential["shares"]}
    (record,) = (one for one in header.recipients if hasattr(one.capsule, "shares"))
    capsule = record.capsule
    if isinstance(capsule, KeySharesCapsule):
        shares = [Share(number, value) for number, value in enumerate(values.values(), start=1)]
        # Whether the KEK is right is for the header HMAC to say.
        return KekUnlocker(record, combine_all(shares, len(capsule.shares), lambda _: True))
    assert isinstance(capsule, ThresholdSharesCapsule)
    indices = {(share.server_base_url, share.share_id): share.index for share in capsule.shares}
    kek = combine(
        [Share(indices[where], value) for where, value in values.items()],
        # Not the number of entries: an index may stand for a node that took no share.
        Threshold(capsule.threshold, max(indices.values())),
        salt=capsule.salt,
        commitments={share.index: share.commitment for share in capsule.shares},
    )
    return KekUnlocker(record, kek)


def place(share: Case) -> tuple[str, str]:
    """Where a share lies."""
    return share["server_base_url"], share["share_id"]


def opened(case: Case, credential: Case) -> dict[str, bytes]:
    """Files by name; nothing is left in the sink when it raises."""
    limits = Limits(**case.get("limits", {}))
    source, sink = io.BytesIO((FOLDER / case["file"]).read_bytes()), MemorySink()
    try:
        header = read_header(source, limits)
        keys = unlock(header, unlocker(header, credential), limits)
        if "keys" in case:
            assert keys.cek.hex() == case["keys"]["cek"]
        extract(source, keys, sink, limits)
    except Exception:
        assert sink.files == {}
        raise
    return sink.files


def opened_independently(case: Case, credential: Case) -> dict[str, bytes]:
    """The same by the reader that shares no code with osak; of a path it takes the last part."""
    container = (FOLDER / case["file"]).read_bytes()
    if "secret" in credential:
        found = reader.open_with_secret(container, bytes.fromhex(credential["secret"]))
    elif "password" in credential:
        found = reader.open_with_password(container, credential["password"])
    elif "shares" in credential:
        kinds = {record.kind for record in reader.cut(container).records}
        open_it = reader.open_with_all_shares if reader.ALL_SHARES in kinds else reader.open_with_some_shares
        found = open_it(
            container, {place(share): bytes.fromhex(share["value"]) for share in credential["shares"]}
        )
    elif credential["key"].startswith("RSA"):
        found = reader.open_with_rsa(container, RSA.import_key(KEYS[credential["key"]]))
    else:
        found = reader.open_with_ec(container, ECC.import_key(KEYS[credential["key"]]))
    return {name.rpartition("/")[2]: content for name, content in found.items()}


def expected(case: Case) -> dict[str, tuple[int, str]]:
    """Size and digest of every file."""
    return {name: (file["size"], file["sha256"]) for name, file in case["files"].items()}


def digests(files: Mapping[str, bytes]) -> dict[str, tuple[int, str]]:
    """Size and digest of every file that came out."""
    return {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()}


def ways(case: Case) -> Iterator[Case]:
    """Every credential; of threshold shares, every set of as many as are needed, in both directions."""
    header = read_header(io.BytesIO((FOLDER / case["file"]).read_bytes()))
    for credential in case["opens_with"]:
        yield credential
        for record in header.recipients:
            if "shares" in credential and isinstance(record.capsule, ThresholdSharesCapsule):
                for chosen in combinations(credential["shares"], record.capsule.threshold):
                    yield {"shares": chosen}
                    yield {"shares": chosen[::-1]}


def test_committed_files_are_what_the_generator_gives() -> None:
    """Nobody edits vectors by hand, and no library's version changes them."""
    assert written() == contents()


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["file"])
def test_good_containers_open(case: Case) -> None:
    """By osak, with every credential and any shares that are enough; strange records are named."""
    for credential in ways(case):
        assert digests(opened(case, credential)) == expected(case)
    recipients = read_header(io.BytesIO((FOLDER / case["file"]).read_bytes())).recipients
    problems = {str(number): record.problem for number, record in enumerate(recipients) if record.problem}
    assert problems.keys() == case["unusable_records"].keys()
    for number, reason in case["unusable_records"].items():
        assert re.search(UNUSABLE[reason], problems[number])


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["file"])
def test_good_containers_open_independently(case: Case) -> None:
    """By the independent reader too, so it is not the generator and osak that err together."""
    # It is plain, hence slow: some of the sets of shares are enough.
    for credential in list(ways(case))[::7]:
        assert digests(opened_independently(case, credential)) == expected(case)


@pytest.mark.parametrize("case", REFUSED["containers"], ids=lambda case: case["file"])
def test_bad_containers_are_refused(case: Case) -> None:
    """For the promised reason and no other, and no file is seen."""
    kind = REFUSED["reasons"][case["reason"]]["kind"]
    with pytest.raises((errors.ContainerError, SharesError)) as caught:
        opened(case, case["tried_with"])
    if kind == "wrong-share":
        assert isinstance(caught.value, SharesError)
    else:
        assert type(caught.value) is KINDS[kind][0]
    assert re.search(WORDS[case["reason"]], str(caught.value))


@pytest.mark.parametrize(
    "case",
    [case for case in REFUSED["containers"] if "shares" not in case["tried_with"]],
    ids=lambda case: case["file"],
)
def test_bad_containers_on_the_command_line(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit code 5 (3 for a wrong key), and the output folder is as it was before."""
    limits = [f"  {name}: {value}\n" for name, value in case["limits"].items()]
    (tmp_path / "osak.yaml").write_text("".join(["limits:\n", *limits]) if limits else "groups: {}\n")
    ((option, value),) = case["tried_with"].items()
    text = {"key": KEYS.get(value, ""), "password": value}.get(option)
    (tmp_path / "credential").write_text(
        text if text is not None else base64.b64encode(bytes.fromhex(value)).decode(), encoding="utf-8"
    )
    switch = {"key": "--private-key", "password": "--password-file", "secret": "--secret"}[option]
    out = tmp_path / "out"
    out.mkdir()
    (out / "vana").write_text("old")
    code = main(
        [
            *("decrypt", str(FOLDER / case["file"]), "-o", str(out), switch, str(tmp_path / "credential")),
            *("--config", str(tmp_path / "osak.yaml"), "--json"),
        ]
    )
    assert code == KINDS[REFUSED["reasons"][case["reason"]]["kind"]][1]
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("vana", "old")]
    assert "Traceback" not in capsys.readouterr().err


def test_every_reason_has_a_vector() -> None:
    """No reason is promised without a container that shows it."""
    assert {case["reason"] for case in REFUSED["containers"]} == REFUSED["reasons"].keys() == WORDS.keys()
    assert {reason for case in GOOD for reason in case["unusable_records"].values()} == UNUSABLE.keys()
