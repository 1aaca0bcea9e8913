# SPDX-License-Identifier: MIT
"""Hostile and damaged containers: whatever the bytes, only our errors come out, and no file.

Containers are cut at every byte, every bit of the head is flipped, valid headers are mutated at
random, and random bytes take a header's place.
"""

import io
import random
import secrets
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container import (
    Entry,
    KekRecipient,
    KekUnlocker,
    KeyServerCapsule,
    KeyShare,
    KeySharesCapsule,
    Limits,
    MemorySink,
    PasswordCapsule,
    PasswordUnlocker,
    PrivateKeyUnlocker,
    PublicKeyRecipient,
    RecipientWriter,
    SymmetricRecipient,
    SymmetricUnlocker,
    ThresholdShare,
    ThresholdSharesCapsule,
    Unlocker,
    extract,
    is_right_kek,
    read_header,
    unlock,
    write_container,
)
from osak.client.container.errors import ContainerError, DamagedContainerError, LimitExceededError
from osak.client.container.header import parse_header

SECRET, SALT = b"k" * 32, b"s" * 32
EC_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
CONTENT = b"content " * 100


def written(*recipients: RecipientWriter) -> bytes:
    """A container with one small file."""
    out = io.BytesIO()
    write_container(out, [Entry("file.txt", len(CONTENT), lambda: io.BytesIO(CONTENT))], recipients)
    return out.getvalue()


THRESHOLD = ThresholdSharesCapsule(
    shares=tuple(ThresholdShare("https://a.ee", "id", index, SALT, "a") for index in (1, 2, 3)),
    salt=SALT,
    recipient_id="etsi/PNOEE-48010010101",
    threshold=2,
    share_set=b"t" * 16,
    group="riik",
)
ALL_SHARES = KeySharesCapsule((KeyShare("https://a.ee", "1"), KeyShare("https://b.ee", "2")), SALT, "etsi/x")
RECIPIENTS: dict[str, RecipientWriter] = {
    "ec": PublicKeyRecipient(EC_KEY.public_key()),
    "rsa": PublicKeyRecipient(RSA_KEY.public_key()),
    "secret": SymmetricRecipient("võti", SECRET),
    "password": KekRecipient(PasswordCapsule(SALT, SALT, 1), "password", SECRET),
    "shares": KekRecipient(ALL_SHARES, "shares", SECRET),
    "threshold": KekRecipient(THRESHOLD, "threshold", SECRET),
    "server": KekRecipient(KeyServerCapsule(None, b"key", "ria", "KC1"), "server", SECRET),
}


@cache
def container() -> bytes:
    """A container with a record of every kind."""
    return written(*RECIPIENTS.values())


def head_bytes(whole: bytes) -> int:
    """Length of everything before the payload."""
    source = io.BytesIO(whole)
    read_header(source)
    return source.tell()


def open_with_everything(whole: bytes) -> int:
    """Try every credential; returns how many opened it. Lets only foreign errors through."""
    unlockers: list[Unlocker] = [
        PrivateKeyUnlocker(EC_KEY),
        PrivateKeyUnlocker(RSA_KEY),
        SymmetricUnlocker(SECRET),
        PasswordUnlocker("password"),
    ]
    try:
        unlockers += [KekUnlocker(one, SECRET) for one in read_header(io.BytesIO(whole)).recipients]
    except ContainerError:
        return 0
    return sum(opens(whole, unlocker) for unlocker in unlockers)


def opens(whole: bytes, unlocker: Unlocker) -> bool:
    """Whether this credential opens it; if it does, the content must be right."""
    source, sink = io.BytesIO(whole), MemorySink()
    try:
        # Damaged headers may ask for many rounds of PBKDF2; a low limit keeps the test quick.
        limits = Limits(max_pbkdf2_iterations=10)
        extract(source, unlock(read_header(source, limits), unlocker, limits), sink, limits)
    except ContainerError:
        assert sink.files == {}
        return False
    assert sink.files == {"file.txt": CONTENT}
    return True


def test_the_whole_container_opens() -> None:
    """Before it is damaged, the container opens by EC, RSA, secret and four KEKs from elsewhere."""
    assert open_with_everything(container()) == 7


def test_every_truncation_of_the_head() -> None:
    """A container that ends anywhere in its head is damaged."""
    whole = container()
    for length in range(head_bytes(whole)):
        with pytest.raises(DamagedContainerError):
            read_header(io.BytesIO(whole[:length]))


def test_every_truncation_of_the_payload() -> None:
    """A container that ends anywhere in its payload is damaged, and no file is seen."""
    whole = written(SymmetricRecipient("võti", SECRET))
    for length in range(head_bytes(whole), len(whole)):
        source, sink = io.BytesIO(whole[:length]), MemorySink()
        keys = unlock(read_header(source), SymmetricUnlocker(SECRET))
        with pytest.raises(DamagedContainerError):
            extract(source, keys, sink)
        assert sink.files == {}


def test_every_flipped_bit_of_a_small_container() -> None:
    """One flipped bit anywhere, head or payload, and the container does not open."""
    whole = written(SymmetricRecipient("võti", SECRET))
    for position in range(len(whole)):
        for bit in range(8):
            assert not opens(flipped(whole, position, bit), SymmetricUnlocker(SECRET))


@pytest.mark.parametrize("kind", RECIPIENTS)
def test_every_flipped_bit_of_the_head(kind: str) -> None:
    """One flipped bit in a head with a record of any kind gives nothing but our errors."""
    whole = written(RECIPIENTS[kind])
    head = whole[: head_bytes(whole)]
    survived = 0
    for position in range(len(head)):
        for bit in range(8):
            damaged = flipped(head, position, bit)
            try:
                header = read_header(io.BytesIO(damaged))
            except ContainerError:
                continue
            survived += 1
            assert not any(is_right_kek(header, recipient, SECRET) for recipient in header.recipients)
            with pytest.raises(ContainerError):
                unlock(header, SymmetricUnlocker(SECRET))
    assert survived, "most flips leave a well-formed header that the HMAC refuses"


def test_sampled_flips_with_every_credential() -> None:
    """Flipped bits do not open for any credential, nor bring out anything but our errors."""
    whole, chance = container(), random.Random(1)
    for _ in range(150):
        assert open_with_everything(flipped(whole, chance.randrange(len(whole)), chance.randrange(8))) == 0


def flipped(data: bytes, position: int, bit: int) -> bytes:
    """The data with one bit changed."""
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


@st.composite
def mutated_headers(draw: st.DrawFn) -> bytes:
    """A valid header with some bytes, numbers or stretches replaced."""
    header = bytearray(read_header(io.BytesIO(container())).raw)
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, max(0, len(header) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                header[position : position + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                number = draw(
                    st.sampled_from([0, 1, 4, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4])
                )
                at = position - position % 4
                header[at : at + 4] = number.to_bytes(4, "little")
            case 2:
                length = draw(st.integers(0, 60))
                header[position : position + length] = draw(st.binary(max_size=60))
            case _:
                del header[position + 1 :]
    return bytes(header)


@given(mutated_headers())
def test_mutated_headers(header: bytes) -> None:
    """A header that was tampered with is read or refused by our errors, never by anything else."""
    try:
        recipients = parse_header(header, Limits())
    except ContainerError:
        return
    for recipient in recipients:
        assert recipient.problem is None or recipient.problem


@given(st.binary(max_size=400))
def test_random_headers(header: bytes) -> None:
    """Random bytes in a well-formed envelope are refused by our errors."""
    whole = b"CDOC\x02" + len(header).to_bytes(4, "big") + header + bytes(32)
    with pytest.raises(ContainerError):
        unlock(read_header(io.BytesIO(whole)), SymmetricUnlocker(SECRET))


@given(st.binary(max_size=300))
def test_random_files(whole: bytes) -> None:
    """A file of random bytes is no container."""
    with pytest.raises(ContainerError):
        read_header(io.BytesIO(whole))


@given(st.binary(max_size=200).map(lambda rest: b"CDOC\x02" + rest))
def test_random_bytes_after_the_version(whole: bytes) -> None:
    """Neither is one that only begins like one."""
    with pytest.raises(ContainerError):
        unlock(read_header(io.BytesIO(whole)), SymmetricUnlocker(SECRET))


def test_password_bomb_in_a_container() -> None:
    """A container that asks for two billion rounds of PBKDF2 is refused at once."""
    capsule = PasswordCapsule(SALT, SALT, 2**31 - 1)
    header = read_header(io.BytesIO(written(KekRecipient(capsule, "label", secrets.token_bytes(32)))))
    with pytest.raises(LimitExceededError, match="2147483647"):
        unlock(header, PasswordUnlocker("password"))
