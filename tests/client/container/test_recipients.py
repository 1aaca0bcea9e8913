# SPDX-License-Identifier: MIT
"""Every kind of recipient by itself: the record it makes, which records it opens, what it refuses."""

import datetime as dt
import secrets
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import NameOID

from osak.client.container import key_label
from osak.client.container.capsules import (
    Curve,
    ECCapsule,
    PasswordCapsule,
    Recipient,
    RSACapsule,
    SymmetricCapsule,
)
from osak.client.container.errors import (
    DamagedContainerError,
    InvalidInputError,
    LimitExceededError,
)
from osak.client.container.key_schedule import password_secret, symmetric_kek, xor
from osak.client.container.limits import Limits
from osak.client.container.recipients.base import RecipientWriter, Unlocker
from osak.client.container.recipients.kek import KekRecipient, KekUnlocker
from osak.client.container.recipients.password import PasswordRecipient, PasswordUnlocker
from osak.client.container.recipients.public_key import PrivateKeyUnlocker, PublicKeyRecipient
from osak.client.container.recipients.symmetric import SymmetricRecipient, SymmetricUnlocker

FMK, SALT, SECRET = b"f" * 32, b"s" * 32, b"k" * 32
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEYS = {
    curve.name: ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
}
NUMBERS = {"secp256r1": Curve.P256, "secp384r1": Curve.P384, "secp521r1": Curve.P521}

PRIVATE_KEYS = [pytest.param(key, id=name) for name, key in EC_KEYS.items()] + [
    pytest.param(RSA_KEY, id="rsa")
]


def certificate(
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey, name: x509.Name
) -> x509.Certificate:
    """A certificate for this key, by a throw-away issuer."""
    issuer = ec.generate_private_key(ec.SECP256R1())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([]))
        .public_key(key)
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
        .sign(issuer, hashes.SHA256())
    )


JOEORG = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "JÕEORG,JAAK-KRISTJAN,38001085718")])


def opened(unlocker: Unlocker, *records: Recipient) -> list[bytes]:
    """The FMK that each candidate gives."""
    candidates = unlocker.candidates(records, Limits())
    return [xor(candidate.recipient.encrypted_fmk, candidate.derive_kek()) for candidate in candidates]


def wrapped(writer: RecipientWriter) -> Recipient:
    """The record of this recipient."""
    return writer.wrap(FMK, secrets.token_bytes)


@pytest.mark.parametrize("key", PRIVATE_KEYS)
def test_public_key(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    """The owner of the key gets the FMK; every record has another KEK."""
    writer = PublicKeyRecipient(key.public_key())
    first, second = wrapped(writer), wrapped(writer)
    assert opened(PrivateKeyUnlocker(key), first, second) == [FMK, FMK]
    assert first.encrypted_fmk != second.encrypted_fmk


@pytest.mark.parametrize("key", PRIVATE_KEYS)
def test_foreign_records_do_not_fit(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    """Records of other keys and kinds are not even tried."""
    others: list[RecipientWriter] = [
        *(
            PublicKeyRecipient(ec.generate_private_key(known.curve).public_key())
            for known in EC_KEYS.values()
        ),
        PublicKeyRecipient(rsa.generate_private_key(65537, 2048).public_key()),
        SymmetricRecipient("label", SECRET),
    ]
    assert opened(PrivateKeyUnlocker(key), *map(wrapped, others)) == []


@pytest.mark.parametrize("name", EC_KEYS)
def test_ec_record(name: str) -> None:
    """An EC record carries the curve's number and two uncompressed points."""
    capsule = wrapped(PublicKeyRecipient(EC_KEYS[name].public_key())).capsule
    assert isinstance(capsule, ECCapsule)
    assert capsule.curve == NUMBERS[name]
    assert {len(capsule.recipient_public_key), len(capsule.sender_public_key)} == {capsule.curve.point_bytes}
    assert capsule.recipient_public_key[0] == capsule.sender_public_key[0] == 4


def test_rsa_record() -> None:
    """An RSA record carries the key as PKCS#1 DER and a ciphertext as long as the modulus."""
    capsule = wrapped(PublicKeyRecipient(RSA_KEY.public_key())).capsule
    assert isinstance(capsule, RSACapsule)
    assert load_der_public_key(capsule.recipient_public_key) == RSA_KEY.public_key()
    assert not capsule.recipient_public_key.startswith(b"\x30\x82\x01\x22"), "not SubjectPublicKeyInfo"
    assert len(capsule.encrypted_kek) == 256


def test_certificate_label() -> None:
    """A certificate is named by its common name, digest and file."""
    made = certificate(EC_KEYS["secp384r1"].public_key(), JOEORG)
    record = wrapped(PublicKeyRecipient(made, file_name="jaak.pem"))
    assert key_label.fields(record.key_label) == {
        "v": "1",
        "type": "cert",
        "cn": "JÕEORG,JAAK-KRISTJAN,38001085718",
        "cert_sha1": made.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - what the label holds
        "file": "jaak.pem",
    }
    assert opened(PrivateKeyUnlocker(EC_KEYS["secp384r1"]), record) == [FMK]


def test_certificate_without_a_name() -> None:
    """A certificate without a common name is named by its digest alone."""
    fields = key_label.fields(PublicKeyRecipient(certificate(RSA_KEY.public_key(), x509.Name([]))).key_label)
    assert fields.keys() == {"v", "type", "cert_sha1"}


def test_certificate_that_cannot_be_read() -> None:
    """A name that is no text only costs the label its name; a key of an unknown kind cannot receive."""
    der = certificate(EC_KEYS["secp256r1"].public_key(), JOEORG).public_bytes(Encoding.DER)
    unreadable_name = x509.load_der_x509_certificate(der.replace(b"JAAK", b"\xff\xff\xff\xff"))
    assert "cn" not in key_label.fields(PublicKeyRecipient(unreadable_name).key_label)
    p256 = bytes.fromhex("06082a8648ce3d030107")
    unknown_curve = x509.load_der_x509_certificate(der.replace(p256, p256[:-1] + b"\x70"))
    with pytest.raises(InvalidInputError, match="cannot be read"):
        PublicKeyRecipient(unknown_curve)


def test_labels_of_bare_keys_differ() -> None:
    """Two bare keys get two labels, also when their files have one name."""
    labels = {PublicKeyRecipient(key.public_key(), file_name="k.pem").key_label for key in EC_KEYS.values()}
    assert len(labels) == 3
    assert all(key_label.fields(label)["type"] == "pub_key" for label in labels)


def test_weak_and_strange_keys_are_refused() -> None:
    """Short RSA keys, curves that CDOC2 does not have and other kinds of keys cannot receive."""
    weak = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - weak on purpose
    with pytest.raises(InvalidInputError, match="1024 bits"):
        PublicKeyRecipient(weak)
    with pytest.raises(InvalidInputError, match="secp256k1"):
        PublicKeyRecipient(ec.generate_private_key(ec.SECP256K1()).public_key())
    other = certificate(ed25519.Ed25519PrivateKey.generate().public_key(), JOEORG)
    with pytest.raises(InvalidInputError, match="neither EC nor RSA"):
        PublicKeyRecipient(other)


def test_point_off_the_curve() -> None:
    """A sender's key that is no point of the curve is damage, found before it is used."""
    record = wrapped(PublicKeyRecipient(EC_KEYS["secp384r1"].public_key()))
    assert isinstance(record.capsule, ECCapsule)
    crooked = replace(record, capsule=replace(record.capsule, sender_public_key=b"\x04" + b"\x01" * 96))
    with pytest.raises(DamagedContainerError, match="not a point"):
        opened(PrivateKeyUnlocker(EC_KEYS["secp384r1"]), crooked)


def test_rsa_ciphertext_of_somebody_else() -> None:
    """The record names this very key, so it is the record that is damaged; so is a KEK of another length."""
    record = wrapped(PublicKeyRecipient(RSA_KEY.public_key()))
    assert isinstance(record.capsule, RSACapsule)
    garbled = replace(record, capsule=replace(record.capsule, encrypted_kek=bytes(256)))
    with pytest.raises(DamagedContainerError, match="does not decrypt"):
        opened(PrivateKeyUnlocker(RSA_KEY), garbled)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    short = RSA_KEY.public_key().encrypt(b"short", oaep)
    with pytest.raises(DamagedContainerError, match="5 bytes"):
        opened(
            PrivateKeyUnlocker(RSA_KEY), replace(record, capsule=replace(record.capsule, encrypted_kek=short))
        )


def test_symmetric_key() -> None:
    """A secret opens its record; the stored label is part of the key."""
    record = wrapped(SymmetricRecipient("kontor", SECRET))
    assert record.key_label == "data:,v=1&label=kontor&type=secret"
    assert opened(SymmetricUnlocker(SECRET), record) == [FMK]
    assert opened(SymmetricUnlocker(SECRET), replace(record, key_label="kontor")) != [FMK]


def test_labels_choose_symmetric_records() -> None:
    """With a label only its records are tried, by the stored string or by the label in it."""
    plain = replace(wrapped(SymmetricRecipient("a", SECRET)), key_label="plain")
    written = wrapped(SymmetricRecipient("kontor", SECRET))
    assert len(opened(SymmetricUnlocker(SECRET), plain, written)) == 2
    assert opened(SymmetricUnlocker(SECRET, "kontor"), plain, written) == [FMK]
    assert opened(SymmetricUnlocker(SECRET, written.key_label), plain, written) == [FMK]
    assert len(opened(SymmetricUnlocker(SECRET, "plain"), plain, written)) == 1
    assert opened(SymmetricUnlocker(SECRET, "other"), plain, written) == []


def test_password() -> None:
    """A password opens its record, written with 600,000 rounds and fresh salts."""
    record = wrapped(PasswordRecipient("mina", "Tere õöäü 123"))
    assert isinstance(record.capsule, PasswordCapsule)
    assert record.capsule.iterations == 600_000
    assert record.capsule.salt != record.capsule.password_salt
    assert record.key_label == "data:,v=1&label=mina&type=pw"
    assert opened(PasswordUnlocker("Tere õöäü 123", "mina"), record) == [FMK]
    assert opened(PasswordUnlocker("Tere õöäü 123", "sina"), record) == []


@pytest.mark.parametrize("typed", ["S\u00f5na-2026", "So\u0303na-2026"])
def test_password_is_written_composed(typed: str) -> None:
    """However a letter was typed, the record is for its composed form, and opens by both spellings."""
    record = wrapped(PasswordRecipient("mina", typed))
    assert opened(PasswordUnlocker("S\u00f5na-2026"), record) == [FMK]
    assert opened(PasswordUnlocker("So\u0303na-2026"), record)[-1] == FMK


def test_password_of_others_is_tried_as_typed_first() -> None:
    """A record written for a decomposed spelling opens by just that spelling, which comes first."""
    capsule = PasswordCapsule(SALT, SALT, 1)
    kek = symmetric_kek(password_secret("o\u0303".encode(), SALT, 1), SALT, "label")
    record = Recipient(capsule, "label", xor(FMK, kek))
    assert opened(PasswordUnlocker("o\u0303"), record)[0] == FMK
    assert opened(PasswordUnlocker("\u00f5"), record) != [FMK]


def test_both_spellings_count_as_work() -> None:
    """A second spelling doubles the rounds, and the limit knows it."""
    record = Recipient(PasswordCapsule(SALT, SALT, 600), "label", FMK)
    assert len(PasswordUnlocker("o\u0303").candidates([record], Limits(max_pbkdf2_iterations=1200))) == 2
    with pytest.raises(LimitExceededError, match="1200 rounds"):
        PasswordUnlocker("o\u0303").candidates([record], Limits(max_pbkdf2_iterations=1199))


def test_undecodable_password() -> None:
    """A password in another encoding is taken as the bytes that were typed; broken text is refused."""
    record = Recipient(PasswordCapsule(SALT, SALT, 1), "label", FMK)
    assert opened(PasswordUnlocker("\udcf5"), record) != opened(PasswordUnlocker("\udcf6"), record)
    with pytest.raises(InvalidInputError) as caught:
        PasswordRecipient("label", "abc\ud800")
    assert "abc" not in repr(caught.value) + repr(caught.value.__cause__)


def test_password_bomb_is_refused_before_any_work() -> None:
    """A record that asks for billions of rounds is not tried, alone or beside a good one."""
    bomb = Recipient(PasswordCapsule(SALT, SALT, 2**31 - 1), "bomb", FMK)
    good = Recipient(PasswordCapsule(SALT, SALT, 1), "good", FMK)
    with pytest.raises(LimitExceededError, match="2147483647") as caught:
        PasswordUnlocker("x").candidates([bomb], Limits())
    assert caught.value.limit == "max_pbkdf2_iterations"
    (candidate,) = PasswordUnlocker("x").candidates([bomb, good], Limits())
    assert candidate.recipient == good


def test_many_password_records_are_limited_together() -> None:
    """Records that each stay within the limit cannot together ask for hours; a label chooses one."""
    records = [
        Recipient(PasswordCapsule(SALT, SALT, 600_000), f"label {number}", FMK) for number in range(17)
    ]
    with pytest.raises(LimitExceededError, match="17 password records"):
        PasswordUnlocker("x").candidates(records, Limits())
    assert len(PasswordUnlocker("x").candidates(records[:16], Limits())) == 16
    assert len(PasswordUnlocker("x", "label 3").candidates(records, Limits())) == 1


def test_kek_from_elsewhere() -> None:
    """A KEK kept in shares wraps any capsule and opens just its own record."""
    capsule = SymmetricCapsule(SALT)
    record = wrapped(KekRecipient(capsule, "label", SECRET))
    assert record.capsule is capsule
    assert opened(KekUnlocker(record, SECRET), record) == [FMK]
    assert opened(KekUnlocker(record, SECRET), replace(record, key_label="other")) == []


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 4097, id="long"),
        pytest.param("\ud800", id="not text"),
    ],
)
def test_labels_that_cannot_be_written(label: str) -> None:
    """A record's label has 1 to 4096 bytes of Unicode text."""
    with pytest.raises(InvalidInputError, match="label"):
        wrapped(KekRecipient(SymmetricCapsule(SALT), label, SECRET))
    with pytest.raises(InvalidInputError, match="label"):
        wrapped(SymmetricRecipient(label, SECRET))
    with pytest.raises(InvalidInputError, match="label"):
        wrapped(PasswordRecipient(label, "Password"))


def test_short_secrets_are_refused() -> None:
    """Symmetric keys below 32 bytes, empty passwords and KEKs of another length are refused."""
    with pytest.raises(InvalidInputError, match="32 bytes"):
        SymmetricRecipient("label", b"short")
    with pytest.raises(InvalidInputError, match="at least 8"):
        PasswordRecipient("label", "")
    with pytest.raises(InvalidInputError, match="31"):
        wrapped(KekRecipient(SymmetricCapsule(SALT), "label", bytes(31)))


def test_secrets_do_not_show() -> None:
    """No repr of a recipient, an unlocker or a candidate shows what it keeps."""
    password, secret = "Kui-Arno", b"K" * 32
    record = Recipient(PasswordCapsule(SALT, SALT, 1), "label", FMK)
    shown = [
        PasswordRecipient("label", password),
        SymmetricRecipient("label", secret),
        KekRecipient(SymmetricCapsule(SALT), "label", secret),
        PasswordUnlocker(password),
        SymmetricUnlocker(secret),
        KekUnlocker(record, secret),
        PrivateKeyUnlocker(RSA_KEY),
        *PasswordUnlocker(password).candidates([record], Limits()),
    ]
    for value in shown:
        assert password not in repr(value)
        assert "KKKK" not in repr(value)
        assert "RSAPrivateKey" not in repr(value)
