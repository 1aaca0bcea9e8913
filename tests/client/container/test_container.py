# SPDX-License-Identifier: MIT
"""Whole containers: what is written opens here and in an independent reader, by every kind of recipient."""

import io
import secrets
from dataclasses import replace
from functools import partial

import pytest
from Crypto.PublicKey import ECC, RSA
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from independent import reader as independent

from osak.client.container import (
    ContainerHeader,
    ContainerWriter,
    Entry,
    ExtractedEntry,
    KekRecipient,
    KekUnlocker,
    KeyServerCapsule,
    KeyShare,
    KeySharesCapsule,
    Limits,
    MemorySink,
    PasswordCapsule,
    PasswordRecipient,
    PasswordUnlocker,
    PayloadKeys,
    PrivateKeyUnlocker,
    PublicKeyRecipient,
    RecipientWriter,
    RSACapsule,
    SymmetricCapsule,
    SymmetricRecipient,
    SymmetricUnlocker,
    ThresholdShare,
    ThresholdSharesCapsule,
    Unlocker,
    extract,
    is_right_kek,
    key_label,
    key_schedule,
    list_entries,
    read_header,
    unlock,
    write_container,
)
from osak.client.container.errors import (
    DamagedContainerError,
    InvalidInputError,
    NoRecipientError,
    WrongKeyError,
)
from osak.shares import Share, Threshold, combine, commit, split

FILES = {
    "tere.txt": b"Tere, maailm!\n",
    "õäöü 文件.bin": bytes(range(256)) * 40,
    "tühi": b"",
    "x" * 150 + ".txt": b"long name",
}
SECRET = bytes(range(32))
PERSON = "etsi/PNOEE-48010010101"
CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]


def entries(files: dict[str, bytes]) -> list[Entry]:
    """Files in memory, ready to pack."""
    return [Entry(name, len(data), partial(io.BytesIO, data)) for name, data in files.items()]


def written(*recipients: RecipientWriter, files: dict[str, bytes] = FILES) -> bytes:
    """A container for these recipients."""
    out = io.BytesIO()
    write_container(out, entries(files), recipients)
    return out.getvalue()


def opened(container: bytes, unlocker: Unlocker) -> dict[str, bytes]:
    """Its files by name, through the front door."""
    source, sink = io.BytesIO(container), MemorySink()
    extract(source, unlock(read_header(source), unlocker), sink)
    return sink.files


def header_of(container: bytes) -> ContainerHeader:
    """Its open part."""
    return read_header(io.BytesIO(container))


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_ec(curve: ec.EllipticCurve) -> None:
    """An EC recipient opens it here and with the independent reader."""
    key = ec.generate_private_key(curve)
    container = written(PublicKeyRecipient(key.public_key()))
    assert opened(container, PrivateKeyUnlocker(key)) == FILES
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert independent.open_with_ec(container, ECC.import_key(pem)) == FILES


def test_rsa() -> None:
    """An RSA recipient opens it here and with the independent reader."""
    key = rsa.generate_private_key(65537, 2048)
    container = written(PublicKeyRecipient(key.public_key()))
    assert opened(container, PrivateKeyUnlocker(key)) == FILES
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert independent.open_with_rsa(container, RSA.import_key(pem)) == FILES


def test_symmetric() -> None:
    """The owner of a secret opens it here and with the independent reader."""
    container = written(SymmetricRecipient("võti", SECRET))
    assert opened(container, SymmetricUnlocker(SECRET)) == FILES
    assert independent.open_with_secret(container, SECRET) == FILES


def test_password() -> None:
    """Whoever knows the password opens it here and with the independent reader."""
    container = written(PasswordRecipient("mina", "Minu salasõna"))
    assert opened(container, PasswordUnlocker("Minu salasõna")) == FILES
    assert independent.open_with_password(container, "Minu salasõna") == FILES


def n_of_n_record(count: int) -> tuple[KekRecipient, dict[tuple[str, str], bytes], bytes]:
    """A recipient whose KEK is XORed out of all shares, the shares by place, and the KEK."""
    salt = secrets.token_bytes(32)
    kek = key_schedule.shares_kek(secrets.token_bytes(32), salt, PERSON)
    values = [secrets.token_bytes(32) for _ in range(count - 1)]
    last = kek
    for value in values:
        last = key_schedule.xor(last, value)
    places = [(f"https://server{number}.ee", f"id{number}") for number in range(count)]
    capsule = KeySharesCapsule(tuple(KeyShare(*place) for place in places), salt, PERSON)
    shares = dict(zip(places, [*values, last], strict=True))
    return KekRecipient(capsule, key_label.for_person(PERSON), kek), shares, kek


def test_n_of_n_shares() -> None:
    """All shares together open the official n-of-n record."""
    recipient, shares, kek = n_of_n_record(3)
    container = written(recipient)
    assert opened(container, KekUnlocker(header_of(container).recipients[0], kek)) == FILES
    assert independent.open_with_all_shares(container, shares) == FILES


def threshold_record() -> tuple[KekRecipient, dict[tuple[str, str], Share], bytes]:
    """A recipient whose KEK any 3 of 5 shares give, the shares by place, and the KEK."""
    salt = secrets.token_bytes(32)
    kek = key_schedule.shares_kek(secrets.token_bytes(32), salt, PERSON)
    shares = split(kek, Threshold(3, 5))
    places = {(f"https://server{share.index}.ee", f"id{share.index}"): share for share in shares}
    capsule = ThresholdSharesCapsule(
        shares=tuple(
            ThresholdShare(*place, share.index, commit(share, salt), f"server{share.index}")
            for place, share in places.items()
        ),
        salt=salt,
        recipient_id=PERSON,
        threshold=3,
        share_set=secrets.token_bytes(16),
        group="riik",
    )
    return KekRecipient(capsule, key_label.for_person(PERSON), kek), places, kek


def test_threshold_shares() -> None:
    """Any three of five shares open our threshold record, here and with the independent reader."""
    recipient, places, kek = threshold_record()
    container = written(recipient)
    (record,) = header_of(container).recipients
    some = dict(list(places.items())[1:4])
    capsule = record.capsule
    assert isinstance(capsule, ThresholdSharesCapsule)
    commitments = {share.index: share.commitment for share in capsule.shares}
    assert combine(some.values(), Threshold(3, 5), salt=capsule.salt, commitments=commitments) == kek
    assert opened(container, KekUnlocker(record, kek)) == FILES
    values = {place: share.value for place, share in some.items()}
    assert independent.open_with_some_shares(container, values) == FILES


def test_every_recipient_of_a_mixed_container() -> None:
    """Seven recipients of every kind in one container, and each opens it alone."""
    keys = [ec.generate_private_key(curve) for curve in CURVES]
    rsa_key = rsa.generate_private_key(65537, 2048)
    shares, _, kek = threshold_record()
    container = written(
        *(PublicKeyRecipient(key.public_key()) for key in keys),
        shares,
        PublicKeyRecipient(rsa_key.public_key()),
        SymmetricRecipient("võti", SECRET),
        PasswordRecipient("mina", "Password"),
    )
    header = header_of(container)
    unlockers: list[Unlocker] = [
        *map(PrivateKeyUnlocker, keys),
        PrivateKeyUnlocker(rsa_key),
        SymmetricUnlocker(SECRET),
        PasswordUnlocker("Password"),
        KekUnlocker(header.recipients[3], kek),
    ]
    assert len({unlock(header, unlocker).cek for unlocker in unlockers}) == 1
    assert opened(container, unlockers[-2]) == FILES
    assert independent.open_with_secret(container, SECRET) == FILES


def test_listing() -> None:
    """The list of files comes after the whole payload was checked."""
    container = written(SymmetricRecipient("võti", SECRET))
    source = io.BytesIO(container)
    keys = unlock(read_header(source), SymmetricUnlocker(SECRET))
    assert list_entries(source, keys) == tuple(
        ExtractedEntry(name, len(data)) for name, data in FILES.items()
    )
    damaged = io.BytesIO(container[:-1] + bytes([container[-1] ^ 1]))
    keys = unlock(read_header(damaged), SymmetricUnlocker(SECRET))
    with pytest.raises(DamagedContainerError):
        list_entries(damaged, keys)


def test_one_file_and_progress() -> None:
    """A chosen file comes out alone, and progress adds up to the bytes read."""
    container = written(SymmetricRecipient("võti", SECRET))
    source, sink = io.BytesIO(container), MemorySink()
    seen: list[int] = []
    keys = unlock(read_header(source), SymmetricUnlocker(SECRET))
    payload_start = source.tell()
    extract(source, keys, sink, progress=seen.append, only=["tere.txt"])
    assert sink.files == {"tere.txt": FILES["tere.txt"]}
    assert sum(seen) == len(container) - payload_start


def test_summary() -> None:
    """The writer tells which records it made and how long the header is."""
    out = io.BytesIO()
    summary = write_container(out, entries(FILES), [SymmetricRecipient("võti", SECRET)])
    header = header_of(out.getvalue())
    assert summary.recipients == header.recipients
    assert summary.header_bytes == len(header.raw)


def test_same_randomness_gives_the_same_container() -> None:
    """All randomness comes from the given source, so vectors can be made."""

    def container() -> bytes:
        out, numbers = io.BytesIO(), iter(range(100))
        recipients = [SymmetricRecipient("võti", SECRET)]
        write_container(
            out, entries(FILES), recipients, random_bytes=lambda count: bytes([next(numbers)]) * count
        )
        return out.getvalue()

    assert container() == container()


def test_wrong_keys() -> None:
    """A key that fits no record, and one that fits but does not open, are told apart."""
    key = ec.generate_private_key(ec.SECP384R1())
    header = header_of(written(PublicKeyRecipient(key.public_key()), SymmetricRecipient("võti", SECRET)))
    with pytest.raises(NoRecipientError, match=r"none of .* recipients \(2\)"):
        unlock(header, PrivateKeyUnlocker(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(NoRecipientError):
        unlock(header, PasswordUnlocker("password"))
    with pytest.raises(NoRecipientError):
        unlock(header, SymmetricUnlocker(SECRET, "other label"))
    with pytest.raises(WrongKeyError):
        unlock(header, SymmetricUnlocker(bytes(32)))
    with pytest.raises(WrongKeyError):
        unlock(header, KekUnlocker(header.recipients[0], bytes(32)))


def cheap_password(label: str, password: str, iterations: int = 1) -> KekRecipient:
    """A password record with few rounds, so that tests need not wait."""
    capsule = PasswordCapsule(b"s" * 32, b"p" * 32, iterations)
    stretched = key_schedule.password_secret(password.encode(), capsule.password_salt, iterations)
    kek = key_schedule.symmetric_kek(stretched, capsule.salt, label)
    return KekRecipient(capsule, label, kek)


def test_every_fitting_record_is_tried() -> None:
    """The right one of several password records is found by trying, without a label."""
    container = written(*(cheap_password(f"label {number}", f"password {number}") for number in range(5)))
    for number in range(5):
        assert opened(container, PasswordUnlocker(f"password {number}")) == FILES
    with pytest.raises(WrongKeyError):
        opened(container, PasswordUnlocker("password 5"))
    with pytest.raises(WrongKeyError):
        opened(container, PasswordUnlocker("password 1", "label 2"))


def test_a_damaged_record_does_not_block_the_next() -> None:
    """A record for my key that does not open is passed over when another one does."""
    key = rsa.generate_private_key(65537, 2048)
    writer = PublicKeyRecipient(key.public_key())
    record = writer.wrap(b"f" * 32, secrets.token_bytes)
    assert isinstance(record.capsule, RSACapsule)
    broken = replace(record.capsule, encrypted_kek=bytes(256))
    container = written(KekRecipient(broken, "broken", bytes(32)), writer)
    assert opened(container, PrivateKeyUnlocker(key)) == FILES
    with pytest.raises(DamagedContainerError, match="does not decrypt"):
        unlock(header_of(written(KekRecipient(broken, "broken", bytes(32)))), PrivateKeyUnlocker(key))


def test_right_kek() -> None:
    """A KEK is judged by the header HMAC alone, for one record."""
    recipient, _, kek = threshold_record()
    header = header_of(written(recipient, SymmetricRecipient("võti", SECRET)))
    mine, other = header.recipients
    assert is_right_kek(header, mine, kek)
    assert not is_right_kek(header, other, kek)
    assert not is_right_kek(header, mine, bytes(32))
    assert not is_right_kek(header, mine, kek[:31])
    assert not is_right_kek(header, replace(mine, encrypted_fmk=b"short"), kek)


def test_records_that_need_a_capsule_server_are_shown() -> None:
    """A record on a capsule server is parsed and kept, though no key opens it here."""
    key = ec.generate_private_key(ec.SECP384R1())
    capsule = KeyServerCapsule(None, b"rsa key", "ria", "KC01")
    header = header_of(written(KekRecipient(capsule, "label", SECRET)))
    assert header.recipients[0].capsule == capsule
    with pytest.raises(NoRecipientError):
        unlock(header, PrivateKeyUnlocker(key))


def test_writer_refuses_impossible_sets_of_recipients() -> None:
    """No recipient, too many, two of one label, or a KEK of wrong length: nothing is written."""
    secret = SymmetricRecipient("võti", SECRET)
    cases: list[tuple[list[RecipientWriter], str]] = [
        ([], "at least one"),
        ([secret, secret], "same label"),
        ([secret] * 4, "more than 3"),
        ([secret, KekRecipient(SymmetricCapsule(b""), "label", b"")], "KEK"),
    ]
    for recipients, message in cases:
        out = io.BytesIO()
        with pytest.raises(InvalidInputError, match=message):
            write_container(out, entries(FILES), recipients, limits=Limits(max_recipients=3))
        assert out.getvalue() == b""


def test_header_larger_than_readers_accept() -> None:
    """A header above the limit is not written."""
    out = io.BytesIO()
    with pytest.raises(InvalidInputError, match="too many recipients"):
        write_container(
            out, entries(FILES), [SymmetricRecipient("võti", SECRET)], limits=Limits(max_header_bytes=100)
        )
    assert out.getvalue() == b""


def test_keys_do_not_show() -> None:
    """The repr of payload keys and of a header tells nothing worth keeping secret."""
    assert repr(PayloadKeys(b"K" * 32, b"A" * 32)) == "PayloadKeys()"
    assert "raw" not in repr(header_of(written(SymmetricRecipient("võti", SECRET))))


def test_one_container_goes_straight_into_another() -> None:
    """A container being written takes what comes out of one being read, and opens like any other."""
    old, out = io.BytesIO(written(SymmetricRecipient("old", SECRET))), io.BytesIO()
    keys = unlock(read_header(old), SymmetricUnlocker(SECRET))
    with ContainerWriter(out, [SymmetricRecipient("new", bytes(32))]) as new:
        extract(old, keys, new)
    assert opened(out.getvalue(), SymmetricUnlocker(bytes(32))) == FILES
    assert [record.key_label for record in new.summary.recipients] == ["data:,v=1&label=new&type=secret"]


def test_a_damaged_container_never_ends_the_other() -> None:
    """Without a right tag there, no tag here: what was written so far opens nothing."""
    data = bytearray(written(SymmetricRecipient("old", SECRET)))
    data[-1] ^= 1
    old, out = io.BytesIO(data), io.BytesIO()
    keys = unlock(read_header(old), SymmetricUnlocker(SECRET))
    with (
        pytest.raises(DamagedContainerError, match="tag is wrong"),
        ContainerWriter(out, [SymmetricRecipient("new", bytes(32))]) as new,
    ):
        extract(old, keys, new)
    with pytest.raises(DamagedContainerError):
        opened(out.getvalue(), SymmetricUnlocker(bytes(32)))
