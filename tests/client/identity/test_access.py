# SPDX-License-Identifier: MIT
"""A proxy before the eID services: tokens from a file or an endpoint, bound to a key or not, never shown."""

import hashlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import extract_compact
from simulator.phones_beside import Shown

from osak.client.identity.access import Access
from osak.client.identity.access_settings import AccessSettings
from osak.client.identity.dpop import DPoPKey
from osak.client.identity.errors import IdentityServiceError
from osak.client.identity.service import EIDService
from osak.client.identity.settings import SmartIDSettings
from osak.client.identity.smart_id import SmartIDCredential
from osak.client.identity.smart_id_v3 import SmartIDv3Credential
from osak.client.simulator.people import SMART_ID_PERSON
from osak.client.simulator.phones import Phones
from osak.client.simulator.proxy import Proxy
from osak.client.simulator.serving import EIDAddress, serve
from osak.coordinator import Timeouts
from osak.coordinator.transport.exchange import HTTPSession
from osak.shares.protocol.strict_json import encode_base64url
from osak.shares.protocol.urls import ServerURL

SIGNING_INPUT = b"eyJ0eXAi.eyJpc3Mi"


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
async def address(simulator: Phones, tmp_path: Path, proxy: Proxy) -> AsyncIterator[EIDAddress]:
    async with serve(simulator, tmp_path, proxy=proxy) as found:
        yield found


def settings(address: EIDAddress, *, dpop: bool, **access: Any) -> SmartIDSettings:
    """Smart-ID behind the proxy; members of ``access`` replace the client's, ``None`` takes one out."""
    behind = address.behind_proxy(address.settings("smart_id"), dpop=dpop)
    changed = {**behind["access"], **access}
    behind["access"] = {name: value for name, value in changed.items() if value is not None}
    return SmartIDSettings.model_validate(behind)


def from_file(file: Path, **more: Any) -> dict[str, Any]:
    return {"token_file": str(file), "token_url": None, "client_id": None, "client_secret_file": None, **more}


async def sign(simulator: Phones, smart_id: SmartIDSettings) -> None:
    asking = SmartIDCredential(
        f"etsi/{SMART_ID_PERSON}", smart_id, Shown(simulator), Timeouts(), file_name="x", pause_seconds=0
    )
    await asking.sign(SIGNING_INPUT)


@pytest.mark.parametrize("dpop", [False, True], ids=["Bearer", "DPoP"])
async def test_client_credentials(
    simulator: Phones, address: EIDAddress, proxy: Proxy, *, dpop: bool
) -> None:
    """One token serves the whole talk, bound or not; the person is asked once."""
    await sign(simulator, settings(address, dpop=dpop))
    assert proxy.given == 1
    assert [bool(key) for key in proxy.tokens.values()] == [dpop]
    assert len(simulator.questions) == 1


async def test_several_questions(simulator: Phones, address: EIDAddress, proxy: Proxy) -> None:
    """Who is asked twice in a run, for more files than fit on a ticket, is asked with one token."""
    asking = SmartIDCredential(
        f"etsi/{SMART_ID_PERSON}",
        settings(address, dpop=True),
        Shown(simulator),
        Timeouts(),
        file_name="x",
        pause_seconds=0,
    )
    await asking.sign(SIGNING_INPUT)
    await asking.sign(SIGNING_INPUT)
    assert (len(simulator.questions), proxy.given) == (2, 1)


async def test_version_3(simulator: Phones, address: EIDAddress) -> None:
    """A proxy before Smart-ID's version 3 is opened the same way."""
    behind = SmartIDSettings.model_validate(address.behind_proxy(address.version_3()))
    asking = SmartIDv3Credential(
        f"etsi/{SMART_ID_PERSON}", behind, Shown(simulator), Timeouts(), file_name="x", pause_seconds=0
    )
    assert (await asking.sign(SIGNING_INPUT)).smart_id_parameters


async def test_without_nonces(simulator: Phones, address: EIDAddress, proxy: Proxy) -> None:
    """A proxy that wants no nonces gets none."""
    proxy.wants_nonces = False
    await sign(simulator, settings(address, dpop=True))
    assert len(simulator.questions) == 1


QUESTION = {
    "certificateLevel": "QUALIFIED",
    "hash": "A" * 43 + "=",
    "hashType": "SHA256",
    "allowedInteractionsOrder": [{"type": "displayTextAndPIN", "displayText60": "Open"}],
}


@pytest.mark.parametrize("change", ["token", "nonce"])
async def test_in_the_middle_of_a_talk(
    simulator: Phones, address: EIDAddress, proxy: Proxy, change: str
) -> None:
    """A token that is taken back, or another nonce, costs one more request and no second question."""
    asking = EIDService("Smart-ID", settings(address, dpop=True), Timeouts(), {}, pause_seconds=0)
    async with asking:
        session = await asking.start(f"/authentication/etsi/{SMART_ID_PERSON}", QUESTION)
        if change == "token":
            proxy.tokens.clear()
        else:
            proxy.nonce = "another-nonce"
        assert (await asking.outcome(f"/session/{session}"))["state"] == "COMPLETE"
    assert proxy.given == (2 if change == "token" else 1)
    assert len(simulator.questions) == 1


async def test_a_token_in_a_file(
    simulator: Phones, address: EIDAddress, proxy: Proxy, tmp_path: Path
) -> None:
    """A token that somebody was given opens the proxy; the endpoint is not asked."""
    (tmp_path / "token").write_text("given-by-hand\n")
    proxy.tokens["given-by-hand"] = ""
    await sign(simulator, settings(address, dpop=False, **from_file(tmp_path / "token")))
    assert proxy.given == 0


async def test_a_bound_token_in_a_file(
    simulator: Phones, address: EIDAddress, proxy: Proxy, tmp_path: Path
) -> None:
    """A bound token in a file goes with the key it is bound to; with another key it opens nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "token").write_text("bound")
    proxy.tokens["bound"] = ECKey.import_key(key.public_key()).thumbprint()
    for name, chosen in (("right.pem", key), ("wrong.pem", ec.generate_private_key(ec.SECP256R1()))):
        pem = chosen.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / name).write_bytes(pem)
    right = from_file(tmp_path / "token", dpop_key_file=str(tmp_path / "right.pem"))
    await sign(simulator, settings(address, dpop=True, **right))
    wrong = from_file(tmp_path / "token", dpop_key_file=str(tmp_path / "wrong.pem"))
    with pytest.raises(IdentityServiceError, match="does not take our access token"):
        await sign(simulator, settings(address, dpop=True, **wrong))
    assert len(simulator.questions) == 1


async def test_a_wrong_token(simulator: Phones, address: EIDAddress, tmp_path: Path) -> None:
    """A token that the proxy does not know asks nobody, and leads to the settings."""
    (tmp_path / "token").write_text("stolen-elsewhere")
    with pytest.raises(IdentityServiceError, match="does not take our access token") as caught:
        await sign(simulator, settings(address, dpop=False, **from_file(tmp_path / "token")))
    assert "access" in caught.value.hint
    assert "stolen-elsewhere" not in repr(caught.value)
    assert simulator.questions == []


@pytest.mark.parametrize("dpop", [False, True])
async def test_a_wrong_secret(simulator: Phones, address: EIDAddress, tmp_path: Path, *, dpop: bool) -> None:
    """An endpoint that does not know the client is told as such; the secret is not."""
    (tmp_path / "other").write_text("not-the-secret")
    with pytest.raises(IdentityServiceError, match="gives this client no token") as caught:
        await sign(simulator, settings(address, dpop=dpop, client_secret_file=str(tmp_path / "other")))
    assert "client_secret_file" in caught.value.hint
    assert "not-the-secret" not in repr(caught.value)
    assert simulator.questions == []


async def test_an_endpoint_that_is_not_there(simulator: Phones, address: EIDAddress) -> None:
    """A token endpoint that cannot be reached is named as what it is."""
    with pytest.raises(IdentityServiceError, match="the token service could not be reached"):
        await sign(simulator, settings(address, dpop=False, token_url="https://127.0.0.1:1/token"))


@pytest.mark.parametrize(
    ("dpop", "reply", "said"),
    [
        (False, {"access_token": "a", "token_type": "DPoP"}, "not a plain one"),
        (True, {"access_token": "a", "token_type": "Bearer"}, "not bound to our key"),
        (False, {"access_token": "a b", "token_type": "Bearer"}, "no request can carry"),
        (False, {"access_token": "a\r\nX: y", "token_type": "Bearer"}, "no request can carry"),
        (False, {"access_token": "a" * 4097, "token_type": "Bearer"}, "no request can carry"),
        (False, {"access_token": "", "token_type": "Bearer"}, "no request can carry"),
        (False, {"access_token": "a"}, "not its protocol"),
        (False, {"token_type": "Bearer"}, "not its protocol"),
    ],
)
def test_tokens_that_are_none(address: EIDAddress, *, dpop: bool, reply: dict[str, Any], said: str) -> None:
    """A token of another kind, or one that would break a request, is not used."""
    access = settings(address, dpop=dpop).access
    assert access is not None
    with pytest.raises(IdentityServiceError, match=said):
        Access(access)._read(json.dumps(reply).encode(), 0)


@pytest.mark.parametrize(("life", "until"), [(300, 270), (None, 30), (-5, -30), ("long", 30), (True, 30)])
def test_how_long_a_token_lives(address: EIDAddress, life: object, until: float) -> None:
    """A token is given up half a minute before its end; what says nothing lives a minute."""
    access = settings(address, dpop=False).access
    assert access is not None
    reply = {"access_token": "a", "token_type": "bearer", **({} if life is None else {"expires_in": life})}
    assert Access(access)._read(json.dumps(reply).encode(), 0) == ("a", until)


@pytest.mark.parametrize("dpop", [False, True])
async def test_nothing_is_shown(
    simulator: Phones, address: EIDAddress, proxy: Proxy, caplog: pytest.LogCaptureFixture, *, dpop: bool
) -> None:
    """Neither token nor secret stands in a log of any level, or in a repr."""
    caplog.set_level(logging.DEBUG)
    smart_id = settings(address, dpop=dpop)
    await sign(simulator, smart_id)
    shown = caplog.text + repr(smart_id)
    assert [secret for secret in (*proxy.tokens, proxy.client_secret) if secret in shown] == []


def test_a_proof() -> None:
    """A proof says for which request it is, and for which token; no two are alike (RFC 9449, 4.2)."""
    key = DPoPKey(clock=lambda: 1000.5)
    proof = key.proof("POST", "https://proxy.example/a", "token")
    head = extract_compact(proof.encode()).headers()
    claims = jwt.decode(proof, ECKey.import_key(head["jwk"]), algorithms=["ES256"]).claims
    assert (head["typ"], head["alg"]) == ("dpop+jwt", "ES256")
    assert "d" not in head["jwk"]
    assert (claims["htm"], claims["htu"], claims["iat"]) == ("POST", "https://proxy.example/a", 1000)
    assert claims["ath"] == encode_base64url(hashlib.sha256(b"token").digest())
    assert key.proof("POST", "https://proxy.example/a", "token") != proof


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://proxy.example/a", "https://proxy.example/a/session/1"),
        ("https://proxy.example:4430", "https://proxy.example:4430/session/1"),
        ("https://[2001:db8::443]/a", "https://[2001:db8::443]/a/session/1"),
        ("https://[2001:db8::443]:8443/a", "https://[2001:db8::443]:8443/a/session/1"),
    ],
)
async def test_the_url_of_a_proof(tmp_path: Path, url: str, named: str) -> None:
    """A proof names the URL as it is requested, less the port that https has anyway."""
    (tmp_path / "token").write_text("token")
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    given = {"token_file": str(tmp_path / "token"), "dpop_key_file": str(tmp_path / "key.pem"), "dpop": True}
    access = Access(AccessSettings.model_validate(given))
    async with HTTPSession(Timeouts()) as session:
        sent = await access.headers(session, "GET", ServerURL.parse(url), "/session/1")
    proof = extract_compact(sent["DPoP"].encode())
    assert json.loads(proof.payload)["htu"] == named


def test_nonces_are_a_servers_own() -> None:
    """The nonce of one server goes into proofs for it, whatever the path, and for no other."""
    key = DPoPKey()
    assert key.take_nonce("https://proxy.example/a", "one")
    assert not key.take_nonce("https://proxy.example/b", "one")
    assert not key.take_nonce("https://proxy.example/b", "")
    for url, nonce in (("https://proxy.example/c", "one"), ("https://proxy.example:8443/c", None)):
        proof = key.proof("GET", url)
        head = extract_compact(proof.encode()).headers()
        assert jwt.decode(proof, ECKey.import_key(head["jwk"])).claims.get("nonce") == nonce


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "name token_file, or token_url"),
        ({"token_file": "token", "token_url": "https://a.example/t"}, "name token_file, or token_url"),
        ({"token_url": "https://a.example/t"}, "go together"),
        ({"token_url": "https://a.example/t", "client_id": "x"}, "go together"),
        ({"token_file": "nowhere"}, "there is no file"),
        ({"token_file": "two"}, "a token alone"),
        ({"token_file": "token", "dpop": True}, "name dpop_key_file"),
        ({"token_file": "token", "dpop_key_file": "token"}, "is for dpop"),
        ({"token_url": "http://a.example/t", "client_id": "x", "client_secret_file": "token"}, "https"),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    """What does not fit together is told when the YAML is read, and no value is repeated."""
    (tmp_path / "token").write_text("a-secret-token")
    (tmp_path / "two").write_text("a-secret-token\nand more")
    with pytest.raises(ValueError, match=said) as caught:
        AccessSettings.model_validate(given, context={"folder": tmp_path})
    assert "a-secret-token" not in str(caught.value)


@pytest.mark.parametrize("kind", ["nothing", "RSA", "P-384"])
def test_keys_that_are_none(tmp_path: Path, kind: str) -> None:
    """A DPoP key of another kind is told before anybody is asked."""
    made: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
        "RSA": rsa.generate_private_key(65537, 2048),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
    }
    pem = b"nothing"
    if kind in made:
        pem = made[kind].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "token").write_text("t")
    access = AccessSettings.model_validate(
        {"token_file": "token", "dpop": True, "dpop_key_file": "key.pem"}, context={"folder": tmp_path}
    )
    with pytest.raises(IdentityServiceError, match="key"):
        Access(access)
