# SPDX-License-Identifier: MIT
"""What every card must do, run over the simulated one and SoftHSM; and NSS's token for what SoftHSM lacks."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from factories.people import Person, TestCA
from factories.tokens import PIN, CardBox, locking_module, nss_card, softhsm_module
from simulator.tokens import SimulatedToken

from osak.client.config import ClientConfig
from osak.client.identity.card import PINSource
from osak.client.identity.errors import CardError, PINError
from osak.client.identity.pkcs11_module import PKCS11Module
from osak.client.identity.token import Token, Tries, WrongPINError
from osak.client.identity_keys import card_keys

AUTHORITY = TestCA()
CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]
KEYS: list[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = [
    *(ec.generate_private_key(curve) for curve in CURVES),
    rsa.generate_private_key(65537, 2048),
]
PEOPLE = [AUTHORITY.issue(key=key) for key in KEYS]
EC_PEOPLE = [pytest.param(number, id=person.algorithm) for number, person in enumerate(PEOPLE[: len(CURVES)])]
RSA_PERSON = PEOPLE[-1]
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@dataclass(frozen=True)
class Kind:
    """A card under test, and whether it decrypts RSA-OAEP with SHA-256."""

    token: Token
    has_oaep: bool


@pytest.fixture(params=["simulated", "softhsm"])
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    if request.param == "simulated":
        yield Kind(SimulatedToken(PEOPLE), has_oaep=True)
        return
    box = CardBox(tmp_path, softhsm_module())
    box.use(monkeypatch)
    box.add("ID-card (PIN1)", *PEOPLE)
    with PKCS11Module(box.module) as module:
        (token,) = module.tokens()
        # SoftHSM 2.6.1 takes SHA-1 alone for OAEP.
        yield Kind(token, has_oaep=False)


@pytest.fixture
def token(kind: Kind) -> Token:
    return kind.token


def key_id(token: Token, person: Person) -> bytes:
    (found,) = [one.key_id for one in token.certificates() if one.certificate == person.certificate]
    return found


def test_certificates_without_a_pin(token: Token) -> None:
    """Certificates and the label are there for everybody; keys are not."""
    assert {one.certificate for one in token.certificates()} == {person.certificate for person in PEOPLE}
    assert token.label == "ID-card (PIN1)"
    assert not token.has_pin_pad
    with pytest.raises(CardError):
        token.sign(key_id(token, PEOPLE[0]), bytes(32), rsa=False)


def test_wrong_pin(token: Token) -> None:
    """A wrong PIN is told as such, opens nothing, and shows in the number of tries until a right one."""
    assert token.tries() is Tries.ALL
    with pytest.raises(WrongPINError):
        token.log_in("0000")
    assert token.tries() is Tries.FEWER
    with pytest.raises(CardError):
        token.sign(key_id(token, PEOPLE[0]), bytes(32), rsa=False)
    token.log_in(PIN)
    assert token.tries() is Tries.ALL


def test_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real module's flags tell how few tries are left; at the end not even the right PIN is taken."""
    box = CardBox(tmp_path, softhsm_module())
    box.use(monkeypatch)
    box.add("ID-card (PIN1)", PEOPLE[0])
    with PKCS11Module(locking_module(tmp_path, monkeypatch)) as module:
        (token,) = module.tokens()
        left = [token.tries()]
        for _ in range(3):
            with pytest.raises(WrongPINError):
                token.log_in("0000")
            left.append(token.tries())
        assert left == [Tries.ALL, Tries.FEWER, Tries.ONE, Tries.NONE]
        with pytest.raises(PINError, match="locked") as caught:
            token.log_in(PIN)
    assert "PUK" in caught.value.hint


@pytest.mark.parametrize("number", EC_PEOPLE)
def test_agrees(token: Token, number: int) -> None:
    """ECDH gives the whole x-coordinate, as a key in memory would."""
    person = PEOPLE[number]
    assert isinstance(person.key, ec.EllipticCurvePrivateKey)
    token.log_in(PIN)
    ephemeral = ec.generate_private_key(person.key.curve)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert token.agree(key_id(token, person), point) == person.key.exchange(ec.ECDH(), ephemeral.public_key())


@pytest.mark.parametrize("number", EC_PEOPLE)
def test_signs_a_digest(token: Token, number: int) -> None:
    """ECDSA over a digest, r and s one behind the other at full length."""
    person = PEOPLE[number]
    assert isinstance(person.key, ec.EllipticCurvePrivateKey)
    token.log_in(PIN)
    names: dict[int, tuple[str, hashes.HashAlgorithm]] = {
        256: ("sha256", hashes.SHA256()),
        384: ("sha384", hashes.SHA384()),
        521: ("sha512", hashes.SHA512()),
    }
    name, algorithm = names[person.key.key_size]
    signature = token.sign(key_id(token, person), hashlib.new(name, b"ticket").digest(), rsa=False)
    size = (person.key.key_size + 7) // 8
    assert len(signature) == 2 * size
    encoded = encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
    person.key.public_key().verify(encoded, b"ticket", ec.ECDSA(algorithm))


def test_signs_with_rsa(token: Token) -> None:
    """RS256 over the data itself."""
    token.log_in(PIN)
    check_rsa_signature(token)


def test_signs_with_pss(token: Token) -> None:
    """RSASSA-PSS of a digest, as TLS 1.3 wants it."""
    token.log_in(PIN)
    check_pss_signature(token)


async def test_an_rsa_card_that_signs_by_pss_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tickets are PS256; a card that has both, as all others here, signs them by RS256."""
    box = CardBox(tmp_path, softhsm_module())
    box.use(monkeypatch)
    box.add("ID-card (PIN1)", RSA_PERSON)
    given = (ClientConfig(), PINSource(lambda _: PIN))
    with card_keys(*given, module=box.module) as keys:
        assert keys.credential is not None
        assert keys.credential.algorithm == "RS256"
    with (tmp_path / "softhsm2.conf").open("a") as conf:
        conf.write("slots.mechanisms = CKM_RSA_PKCS_PSS\n")
    with card_keys(*given, module=box.module) as keys:
        assert keys.credential is not None
        assert keys.credential.algorithm == "PS256"
        signed = await keys.credential.sign(b"a.b")
    public, pss = RSA_PERSON.key.public_key(), padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signed.signature, b"a.b", pss, hashes.SHA256())


def test_decrypts(kind: Kind) -> None:
    """RSA-OAEP with SHA-256 where the card has it, and a clear refusal where it has not."""
    kind.token.log_in(PIN)
    if kind.has_oaep:
        check_decryption(kind.token)
        return
    with pytest.raises(CardError, match="cannot decrypt RSA-OAEP with SHA-256"):
        kind.token.decrypt(key_id(kind.token, RSA_PERSON), bytes(256))


def test_keys_that_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was put on the card for other uses is told as such, and is no fault of the program."""
    uses = [pkcs11.Attribute.DERIVE, pkcs11.Attribute.SIGN, pkcs11.Attribute.DECRYPT]
    box = CardBox(tmp_path, softhsm_module())
    box.use(monkeypatch)
    for number in (0, -1):
        box.add(f"card {number}", PEOPLE[number], without=uses)
    with PKCS11Module(box.module) as module:
        by_label = {token.label: token for token in module.tokens()}
        curve_token, rsa_token = by_label["card 0"], by_label["card -1"]
        for token in by_label.values():
            token.log_in(PIN)
        point = PEOPLE[0].key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        with pytest.raises(CardError, match="does not let its key be used for ECDH"):
            curve_token.agree(key_id(curve_token, PEOPLE[0]), point)
        with pytest.raises(CardError, match="does not let its key sign"):
            curve_token.sign(key_id(curve_token, PEOPLE[0]), bytes(32), rsa=False)
        with pytest.raises(CardError, match="does not let its key decrypt"):
            rsa_token.decrypt(key_id(rsa_token, RSA_PERSON), bytes(256))
        with pytest.raises(CardError, match="does not let its key sign"):
            rsa_token.sign_pss(key_id(rsa_token, RSA_PERSON), bytes(32))


def test_nss_decrypts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real PKCS#11 token decrypts RSA-OAEP with SHA-256 and signs RS256."""
    with PKCS11Module(nss_card(tmp_path, monkeypatch, "ID-card", RSA_PERSON)) as module:
        (token,) = [one for one in module.tokens() if one.label == "ID-card"]
        with pytest.raises(WrongPINError):
            token.log_in("0000")
        token.log_in(PIN)
        check_decryption(token)
        check_rsa_signature(token)


def check_decryption(token: Token) -> None:
    """What was encrypted to the card comes out; what was not is refused."""
    public, name = RSA_PERSON.key.public_key(), key_id(token, RSA_PERSON)
    assert isinstance(public, rsa.RSAPublicKey)
    assert token.decrypt(name, public.encrypt(b"k" * 32, OAEP)) == b"k" * 32
    with pytest.raises(ValueError):
        token.decrypt(name, bytes(256))


def check_pss_signature(token: Token) -> None:
    """SHA-256 throughout, a salt of 32 bytes."""
    digest = hashlib.sha256(b"handshake").digest()
    signature = token.sign_pss(key_id(token, RSA_PERSON), digest)
    assert isinstance(RSA_PERSON.key, rsa.RSAPrivateKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    RSA_PERSON.key.public_key().verify(signature, b"handshake", pss, hashes.SHA256())


def check_rsa_signature(token: Token) -> None:
    """The card's RS256 is verified by its public key."""
    signature = token.sign(key_id(token, RSA_PERSON), b"ticket", rsa=True)
    public: Any = RSA_PERSON.key.public_key()
    public.verify(signature, b"ticket", padding.PKCS1v15(), hashes.SHA256())
