# SPDX-License-Identifier: MIT
"""People of no country: a throw-away CA, certificates with chosen faults, and tickets signed by them.

``TestCA`` issues what a real eID authority would, and everything it must not. ``Person`` holds a
certificate and its key and signs tickets as Smart-ID (RS256), Mobile-ID (ES256) and ID-cards (ES384) do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from osak.client.simulator.authority import Authority
from osak.shares.protocol.strict_json import encode_base64, encode_base64url
from osak.shares.protocol.ticket import TicketDraft, draft_ticket
from osak.shares.protocol.urls import Audience

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
SERIAL_NUMBER = "PNOEE-30303039914"
KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_CURVE_ALGORITHMS: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "secp256r1": ("ES256", hashes.SHA256()),
    "secp384r1": ("ES384", hashes.SHA384()),
    "secp521r1": ("ES512", hashes.SHA512()),
}


@dataclass(frozen=True)
class Person:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    serial_number: str = SERIAL_NUMBER

    @property
    def recipient_id(self) -> str:
        """For example ``etsi/PNOEE-30303039914``."""
        return f"etsi/{self.serial_number}"

    @property
    def algorithm(self) -> str:
        """The JWS algorithm that fits the key."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return "RS256"
        return _CURVE_ALGORITHMS[self.key.curve.name][0]

    @property
    def x5c(self) -> str:
        """The certificate header as released clients send it: PEM on one line."""
        return f"-----BEGIN CERTIFICATE-----{encode_base64(self.der)}-----END CERTIFICATE-----"

    @property
    def x5c_base64url(self) -> str:
        """The certificate header as the 1.2.1 draft has it: base64url of DER."""
        return encode_base64url(self.der)

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key in PEM, not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def p12(self, password: bytes = b"passwd") -> bytes:
        """Certificate and key as PKCS #12."""
        return pkcs12.serialize_key_and_certificates(
            b"authentication",
            self.key,
            self.certificate,
            None,
            serialization.BestAvailableEncryption(password),
        )

    def sign(self, signing_input: bytes, *, pss: bool = False) -> bytes:
        """Raw JWS signature with the algorithm that fits the key (PS256 for RSA if ``pss``)."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            scheme: padding.AsymmetricPadding = padding.PKCS1v15()
            if pss:
                scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return self.key.sign(signing_input, scheme, hashes.SHA256())
        hash_algorithm = _CURVE_ALGORITHMS[self.key.curve.name][1]
        length = (self.key.key_size + 7) // 8
        r, s = decode_dss_signature(self.key.sign(signing_input, ec.ECDSA(hash_algorithm)))
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")

    def draft(self, *audiences: Audience, algorithm: str = "") -> TicketDraft:
        """A ticket of this person, not signed yet."""
        return draft_ticket(self.recipient_id, algorithm or self.algorithm, audiences)

    def ticket(self, *audiences: Audience, position: int = 0) -> str:
        """A signed ticket for the audience at ``position``."""
        draft = self.draft(*audiences)
        return draft.present(self.sign(draft.signing_input), position)


class TestCA:
    """A certificate authority that does whatever a test asks."""

    __test__ = False

    def __init__(
        self,
        name: str = "TEST of osak",
        *,
        issuer: "TestCA | None" = None,
        now: datetime | None = None,
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._now = now or datetime.now(UTC)
        signer = issuer or self
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=365))
            .not_valid_after(self._now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False
            )
            .sign(signer.key, hashes.SHA256())
        )

    @classmethod
    def twin(cls, authority: Authority) -> "TestCA":
        """The simulator's authority itself, which may now issue what it must not."""
        made = cls()
        made.key, made.name, made.certificate = (
            authority.key,
            authority.certificate.subject,
            authority.certificate,
        )
        return made

    @property
    def certificate_pem(self) -> bytes:
        """The CA's certificate in PEM: what ``--trust`` wants."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(
        self,
        serial_number: str = SERIAL_NUMBER,
        *,
        key: PrivateKey | None = None,
        usages: Sequence[str] | None = ("digital_signature",),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        serial_numbers: Sequence[str] | None = None,
        common_name: str = "TESTNUMBER,OK",
        policies: Sequence[str] = (),
        extensions: Sequence[x509.ExtensionType] = (),
    ) -> Person:
        """Issue an authentication certificate.

        Args:
            serial_number: subject serialNumber.
            key: by default a new P-256 key.
            usages: keyUsage bits, names as in ``KEY_USAGES``; None leaves the extension out.
            not_before: by default a day ago.
            not_after: by default a year ahead.
            serial_numbers: several (or no) serialNumbers in the subject instead of the one.
            common_name: of the subject.
            policies: certificate policies, dotted.
            extensions: more, none of them critical.
        """
        chosen = key or ec.generate_private_key(ec.SECP256R1())
        numbers = (serial_number,) if serial_numbers is None else serial_numbers
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        subject += [x509.NameAttribute(NameOID.SERIAL_NUMBER, number) for number in numbers]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self.name)
            .public_key(chosen.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before or self._now - timedelta(days=1))
            .not_valid_after(not_after or self._now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        if usages is not None:
            builder = builder.add_extension(key_usage(*usages), critical=True)
        if policies:
            named = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None) for policy in policies]
            builder = builder.add_extension(x509.CertificatePolicies(named), critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return Person(builder.sign(self.key, hashes.SHA256()), chosen, serial_number)


def person_certificate(serial_number: str = SERIAL_NUMBER) -> tuple[TestCA, Person]:
    """A new CA and one person it knows: all that most tests need."""
    authority = TestCA()
    return authority, authority.issue(serial_number)


def of_version(certificate: bytes, version: int) -> bytes:
    """A certificate's DER with another version in it; no library wants to make one."""
    third = bytes.fromhex("a003020102")
    assert certificate.count(third) == 1
    return certificate.replace(third, third[:-1] + bytes([version]))


def ocsp_at(*urls: str) -> x509.AuthorityInformationAccess:
    """An authorityInfoAccess extension with these OCSP servers."""
    method = AuthorityInformationAccessOID.OCSP
    places = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.AuthorityInformationAccess([x509.AccessDescription(method, place) for place in places])


def crl_at(*urls: str) -> x509.CRLDistributionPoints:
    """A cRLDistributionPoints extension with these lists."""
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None) for name in names])


def purposes(*oids: str) -> x509.ExtendedKeyUsage:
    """An extendedKeyUsage extension with these OIDs."""
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in oids])


def key_usage(*usages: str) -> x509.KeyUsage:
    """A keyUsage extension with exactly these bits."""
    return x509.KeyUsage(**{name: name in usages for name in KEY_USAGES})
