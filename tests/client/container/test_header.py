# SPDX-License-Identifier: MIT
"""The header: every capsule there and back, strange records set aside, damage refused, work bounded."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from independent.flatbuffer_writer import Byte, Fields, Int32, encode
from independent.reader import Parts

from osak.client.container.capsules import (
    Capsule,
    Curve,
    ECCapsule,
    KeyServerCapsule,
    KeyShare,
    KeySharesCapsule,
    PasswordCapsule,
    Recipient,
    RSACapsule,
    SymmetricCapsule,
    ThresholdShare,
    ThresholdSharesCapsule,
    UnknownCapsule,
)
from osak.client.container.errors import (
    DamagedContainerError,
    InvalidInputError,
    LimitExceededError,
    UnsupportedError,
)
from osak.client.container.header import parse_header
from osak.client.container.header_builder import build_header
from osak.client.container.limits import Limits

SALT, FMK = b"s" * 32, b"f" * 32
P384_POINT = b"\x04" + b"p" * 96
THRESHOLD = ThresholdSharesCapsule(
    shares=tuple(
        ThresholdShare(f"https://{name}.ee/", f"id-{name}", index, bytes([index]) * 32, name)
        for index, name in enumerate(("ria", "sk", "ttu"), start=1)
    ),
    salt=SALT,
    recipient_id="etsi/PNOEE-48010010101",
    threshold=2,
    share_set=b"t" * 16,
    group="riik",
)


def points(curve: Curve) -> st.SearchStrategy[bytes]:
    """Bytes that look like points of a curve."""
    size = curve.point_bytes - 1
    return st.binary(min_size=size, max_size=size).map(lambda rest: b"\x04" + rest)


def threshold_capsules() -> st.SearchStrategy[Capsule]:
    """Threshold capsules of 2 to 6 shares."""
    share = st.builds(
        ThresholdShare,
        st.text(),
        st.text(),
        index=st.integers(1, 255),
        commitment=st.binary(min_size=32, max_size=32),
        server_id=st.text(),
    )
    shares = st.lists(share, min_size=2, max_size=6, unique_by=lambda share: share.index).map(tuple)
    return shares.flatmap(
        lambda shares: st.builds(
            ThresholdSharesCapsule,
            shares=st.just(shares),
            salt=st.binary(),
            recipient_id=st.text(),
            threshold=st.integers(2, len(shares)),
            share_set=st.binary(min_size=16, max_size=16),
            group=st.text(),
        )
    )


capsules: st.SearchStrategy[Capsule] = st.one_of(
    st.sampled_from(Curve).flatmap(
        lambda curve: st.builds(ECCapsule, st.just(curve), points(curve), points(curve))
    ),
    st.builds(RSACapsule, st.binary(), st.binary()),
    st.builds(KeyServerCapsule, st.none(), st.binary(), st.text(), st.text()),
    st.sampled_from(Curve).flatmap(
        lambda curve: st.builds(KeyServerCapsule, st.just(curve), points(curve), st.text(), st.text())
    ),
    st.builds(SymmetricCapsule, st.binary()),
    st.builds(PasswordCapsule, st.binary(), st.binary(), st.integers(1, 2**31 - 1)),
    st.builds(
        KeySharesCapsule,
        st.lists(st.builds(KeyShare, st.text(), st.text()), min_size=1, max_size=5).map(tuple),
        st.binary(),
        st.text(),
    ),
    threshold_capsules(),
)
recipients = st.builds(Recipient, capsules, st.text(), st.binary(min_size=32, max_size=32))


def record(type_number: int, capsule: Fields, **changed: Byte | bytes | str) -> Fields:
    """The fields of a recipient record."""
    return {
        0: Byte(type_number),
        1: capsule,
        2: changed.get("label", "label"),
        3: changed.get("encrypted_fmk", FMK),
        4: changed.get("method", Byte(1)),
    }


def header(*records: Fields) -> bytes:
    """A header of these records."""
    return encode({0: list(records), 1: Byte(1)})


def only_record(raw: bytes) -> Recipient:
    """The one record of a header."""
    (recipient,) = parse_header(raw, Limits())
    return recipient


@given(st.lists(recipients, max_size=5).map(tuple))
def test_round_trip(records: tuple[Recipient, ...]) -> None:
    """Every capsule with any content comes back as it was, in order."""
    assert parse_header(build_header(records), Limits()) == records


def test_no_recipients() -> None:
    """A header without a list of recipients is read as having none."""
    assert parse_header(encode({1: Byte(1)}), Limits()) == ()


def test_field_order_of_the_threshold_capsule() -> None:
    """An independent reader finds every field of our own capsule under its id, and 64 as its type."""
    (found,) = Parts(build_header([Recipient(THRESHOLD, "label", FMK)]), b"", b"").records
    assert found.kind == 64
    capsule = found.capsule
    assert (capsule.data(1), capsule.text(2), capsule.byte(3)) == (SALT, "etsi/PNOEE-48010010101", 1)
    assert (capsule.byte(4), capsule.byte(5), capsule.data(6), capsule.text(7)) == (2, 1, b"t" * 16, "riik")
    second = capsule.tables(0)[1]
    assert (second.text(0), second.text(1), second.byte(2)) == ("https://sk.ee/", "id-sk", 2)
    assert (second.data(3), second.text(4)) == (b"\x02" * 32, "sk")


def test_threshold_capsule_without_optional_text() -> None:
    """Group and server ids may be absent."""
    share: Fields = {0: "https://a", 1: "i", 2: Byte(1), 3: FMK}
    fields: Fields = {
        0: [share, {**share, 2: Byte(2)}],
        1: SALT,
        2: "etsi/PNOEE-48010010101",
        3: Byte(1),
        4: Byte(2),
        5: Byte(1),
        6: b"t" * 16,
    }
    capsule = only_record(header(record(64, fields))).capsule
    assert isinstance(capsule, ThresholdSharesCapsule)
    assert (capsule.group, capsule.shares[1].server_id) == ("", "")


EC_FIELDS: Fields = {0: Byte(1), 1: P384_POINT, 2: P384_POINT}
SHARE: Fields = {0: "https://a/", 1: "id"}
SHARES_FIELDS: Fields = {0: [SHARE], 1: SALT, 2: Byte(1), 3: Byte(1), 4: "etsi/x"}
THRESHOLD_SHARE: Fields = {0: "https://a/", 1: "id", 2: Byte(1), 3: FMK}
THRESHOLD_FIELDS: Fields = {
    0: [THRESHOLD_SHARE, {**THRESHOLD_SHARE, 2: Byte(2)}],
    1: SALT,
    2: "etsi/x",
    3: Byte(1),
    4: Byte(2),
    5: Byte(1),
    6: b"t" * 16,
}
SERVER_FIELDS: Fields = {0: Byte(1), 1: {0: Byte(1), 1: P384_POINT}, 2: "server", 3: "transaction"}


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(record(0, {}), id="no type"),
        pytest.param(record(7, {}), id="unknown type"),
        pytest.param(record(63, {}), id="type before ours"),
        pytest.param(record(255, {0: b"anything"}), id="last type"),
        pytest.param(record(1, {**EC_FIELDS, 0: Byte(0)}), id="curve absent"),
        pytest.param(record(1, {**EC_FIELDS, 0: Byte(9)}), id="unknown curve"),
        pytest.param(record(1, {**EC_FIELDS, 1: P384_POINT[:-1]}), id="short recipient point"),
        pytest.param(record(1, {**EC_FIELDS, 2: b""}), id="empty sender point"),
        pytest.param(record(1, {**EC_FIELDS, 2: b"\x02" + P384_POINT[1:]}), id="compressed point"),
        pytest.param(record(1, {**EC_FIELDS, 0: Byte(2)}), id="point of another curve"),
        pytest.param(record(3, {**SERVER_FIELDS, 0: Byte(3)}), id="unknown key details"),
        pytest.param(record(3, {**SERVER_FIELDS, 1: {0: Byte(9), 1: b""}}), id="unknown server curve"),
        pytest.param(record(3, {**SERVER_FIELDS, 1: {0: Byte(1), 1: b""}}), id="bad server point"),
        pytest.param(record(5, {0: SALT, 1: SALT, 2: Byte(1), 3: Int32(0)}), id="no rounds"),
        pytest.param(record(5, {0: SALT, 1: SALT, 2: Byte(1), 3: Int32(-1)}), id="negative rounds"),
        pytest.param(record(5, {0: SALT, 1: SALT, 2: Byte(2), 3: Int32(9)}), id="unknown derivation"),
        pytest.param(record(6, {**SHARES_FIELDS, 0: []}), id="no shares"),
        pytest.param(record(6, {**SHARES_FIELDS, 0: [SHARE] * 256}), id="too many shares"),
        pytest.param(record(6, {**SHARES_FIELDS, 2: Byte(0)}), id="unknown recipient type"),
        pytest.param(record(6, {**SHARES_FIELDS, 3: Byte(2)}), id="unknown shares scheme"),
        pytest.param(record(64, {**THRESHOLD_FIELDS, 0: []}), id="threshold without shares"),
        pytest.param(record(64, {**THRESHOLD_FIELDS, 0: [THRESHOLD_SHARE] * 2}), id="same index twice"),
        pytest.param(
            record(64, {**THRESHOLD_FIELDS, 0: [THRESHOLD_SHARE, {**THRESHOLD_SHARE, 2: Byte(0)}]}),
            id="index zero",
        ),
        pytest.param(
            record(64, {**THRESHOLD_FIELDS, 0: [THRESHOLD_SHARE, {**THRESHOLD_SHARE, 2: Byte(2), 3: b""}]}),
            id="short commitment",
        ),
        pytest.param(record(64, {**THRESHOLD_FIELDS, 3: Byte(2)}), id="threshold for another type"),
        pytest.param(record(64, {**THRESHOLD_FIELDS, 4: Byte(1)}), id="threshold of one"),
        pytest.param(record(64, {**THRESHOLD_FIELDS, 4: Byte(3)}), id="threshold above the shares"),
        pytest.param(record(64, {**THRESHOLD_FIELDS, 5: Byte(2)}), id="unknown threshold scheme"),
        pytest.param(record(64, {**THRESHOLD_FIELDS, 6: b"t" * 15}), id="short share set"),
        pytest.param(record(4, {0: SALT}, method=Byte(2)), id="unknown FMK method"),
        pytest.param(record(4, {0: SALT}, encrypted_fmk=b"short"), id="short encrypted FMK"),
    ],
)
def test_strange_records_do_not_block_others(strange: Fields) -> None:
    """A record that cannot be used stays in its place with a reason, and its neighbours stay usable."""
    good = record(4, {0: SALT}, label="good")
    first, second, third = parse_header(header(good, strange, good), Limits())
    assert second.problem
    assert second.key_label == "label"
    assert first == third == Recipient(SymmetricCapsule(SALT), "good", FMK)
    assert first.problem is None


def test_unknown_capsule_keeps_its_number() -> None:
    """What is unknown can at least be shown by number, though its content is never followed."""
    raw = bytearray(header(record(7, {})))
    assert only_record(bytes(raw)).capsule == UnknownCapsule(7, "unknown kind of recipient, number 7")


def without(fields: Fields, field: int) -> Fields:
    """The fields without one of them."""
    return {number: value for number, value in fields.items() if number != field}


REQUIRED: list[tuple[int, Fields, list[int]]] = [
    (1, EC_FIELDS, [1, 2]),
    (2, {0: b"n", 1: b"k"}, [0, 1]),
    (3, SERVER_FIELDS, [1, 2, 3]),
    (3, {0: Byte(2), 1: {0: b"rsa"}, 2: "s", 3: "t"}, [1, 2, 3]),
    (4, {0: SALT}, [0]),
    (5, {0: SALT, 1: SALT, 2: Byte(1), 3: Int32(1)}, [0, 1]),
    (6, SHARES_FIELDS, [0, 1, 4]),
    (64, THRESHOLD_FIELDS, [0, 1, 2, 6]),
]


@pytest.mark.parametrize(
    ("kind", "fields"), [(kind, without(fields, field)) for kind, fields, ids in REQUIRED for field in ids]
)
def test_missing_required_fields(kind: int, fields: Fields) -> None:
    """A capsule without a required field condemns the header, as the official verifier does."""
    with pytest.raises(DamagedContainerError):
        parse_header(header(record(kind, fields)), Limits())


@pytest.mark.parametrize("field", [1, 2, 3])
def test_missing_parts_of_a_record(field: int) -> None:
    """A record without capsule, label or encrypted FMK condemns the header."""
    with pytest.raises(DamagedContainerError):
        parse_header(header(without(record(4, {0: SALT}), field)), Limits())


@pytest.mark.parametrize("fields", [{0: "u"}, {1: "i"}])
def test_missing_parts_of_a_share(fields: Fields) -> None:
    """A share without its URL or id condemns the header."""
    with pytest.raises(DamagedContainerError):
        parse_header(header(record(6, {**SHARES_FIELDS, 0: [fields]})), Limits())


@pytest.mark.parametrize("method", [0, 2])
def test_other_payload_method(method: int) -> None:
    """A payload under another cipher is unsupported, not damaged."""
    with pytest.raises(UnsupportedError, match=f"number {method}"):
        parse_header(encode({0: [], 1: Byte(method)}), Limits())


def test_too_many_recipients() -> None:
    """The number of records is limited, and the limit is named."""
    raw = header(*[record(4, {0: SALT})] * 4)
    assert len(parse_header(raw, Limits(max_recipients=4))) == 4
    with pytest.raises(LimitExceededError) as caught:
        parse_header(raw, Limits(max_recipients=3))
    assert caught.value.limit == "max_recipients"


@pytest.mark.parametrize(
    "recipient",
    [
        Recipient(UnknownCapsule(7, "unknown"), "label", FMK),
        Recipient(SymmetricCapsule(SALT), "label", b"short"),
        Recipient(SymmetricCapsule(SALT), "label", FMK, fmk_encryption_method=2),
        Recipient(KeySharesCapsule((), SALT, "etsi/x"), "label", FMK),
        Recipient(ECCapsule(Curve.P256, P384_POINT, P384_POINT), "label", FMK),
    ],
)
def test_unusable_records_are_not_written(recipient: Recipient) -> None:
    """The writer refuses what its reader could not use."""
    with pytest.raises(InvalidInputError):
        build_header([recipient])


def repeated(count: int, fields: Fields) -> bytes:
    """A header whose list of recipients names one and the same record many times over."""
    single = header(fields)
    root = struct.unpack_from("<I", single)[0]
    field = root + 4
    old_list = field + struct.unpack_from("<I", single, field)[0]
    target = old_list + 4 + struct.unpack_from("<I", single, old_list + 4)[0]
    # Root offset, vtable at 4, table at 12, list at 24, then the honest header with its record.
    start = struct.pack("<IHHHHiIBxxxI", 12, 8, 12, 4, 8, 8, 8, 1, count)
    places = range(len(start), len(start) + 4 * count, 4)
    behind = len(start) + 4 * count
    return start + b"".join(struct.pack("<I", behind + target - place) for place in places) + single


def test_repeated_record_is_legal_in_small_numbers() -> None:
    """FlatBuffers allow two offsets to lead to one record."""
    one, other = parse_header(repeated(2, record(4, {0: SALT})), Limits())
    assert one == other == Recipient(SymmetricCapsule(SALT), "label", FMK)


MANY_SHARES: Fields = {**SHARES_FIELDS, 0: [SHARE] * 255}


@pytest.mark.parametrize(
    ("fields", "count", "error", "message"),
    [
        pytest.param(
            record(4, {0: SALT}, label="x" * 900_000),
            1000,
            DamagedContainerError,
            "too many times",
            id="one huge label for all",
        ),
        pytest.param(
            record(6, MANY_SHARES), 1000, DamagedContainerError, "too many times", id="one long list for all"
        ),
        pytest.param(
            record(4, {0: SALT}), 200_000, LimitExceededError, "200000 recipients", id="many records"
        ),
    ],
)
def test_work_is_bounded(fields: Fields, count: int, error: type[Exception], message: str) -> None:
    """No header within the size limit keeps its reader busy: shared offsets run out of the budget."""
    raw = repeated(count, fields)
    assert len(raw) <= 2**20
    with pytest.raises(error, match=message):
        parse_header(raw, Limits())


def test_largest_honest_header_is_within_the_budget() -> None:
    """A full header of 1000 small records, and one of long share lists, both close to 1 MiB, are read."""
    small = [Recipient(THRESHOLD, f"label {number}", FMK) for number in range(1000)]
    assert len(parse_header(build_header(small), Limits())) == 1000
    shares = tuple(ThresholdShare("https://a.ee", "i", index, FMK) for index in range(1, 256))
    long = [
        Recipient(ThresholdSharesCapsule(shares, SALT, "etsi/x", 2, b"t" * 16), f"label {number}", FMK)
        for number in range(38)
    ]
    raw = build_header(long)
    assert 0.9 * 2**20 < len(raw) <= 2**20
    assert len(parse_header(raw, Limits())) == 38
