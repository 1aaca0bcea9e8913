# SPDX-License-Identifier: MIT
"""Writing the FlatBuffer header: recipient records in, bytes out.

The counterpart of `header`, through the code that ``flatc`` made of ``schema/header.fbs`` and the
FlatBuffers library. Refuses records that the reader would find unusable, so that nothing is written
that nobody can open. A table must be complete before another one is begun, hence children come first.
"""

from collections.abc import Sequence

from flatbuffers import Builder

from osak.client.container.capsules import (
    Capsule,
    CapsuleType,
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
    capsule_problem,
)
from osak.client.container.errors import InvalidInputError
from osak.client.container.fbs import EccKeyDetails as EcDetailsTable
from osak.client.container.fbs import ECCPublicKeyCapsule as EcTable
from osak.client.container.fbs import Header as HeaderTable
from osak.client.container.fbs import KeyServerCapsule as KeyServerTable
from osak.client.container.fbs import KeyShare as KeyShareTable
from osak.client.container.fbs import KeySharesCapsule as KeySharesTable
from osak.client.container.fbs import PBKDF2Capsule as PasswordTable
from osak.client.container.fbs import RecipientRecord as RecordTable
from osak.client.container.fbs import RsaKeyDetails as RsaDetailsTable
from osak.client.container.fbs import RSAPublicKeyCapsule as RsaTable
from osak.client.container.fbs import SymmetricKeyCapsule as SymmetricTable
from osak.client.container.fbs import ThresholdShare as ThresholdShareTable
from osak.client.container.fbs import ThresholdSharesCapsule as ThresholdSharesTable
from osak.client.container.fbs.FMKEncryptionMethod import FMKEncryptionMethod
from osak.client.container.fbs.KDFAlgorithmIdentifier import KDFAlgorithmIdentifier
from osak.client.container.fbs.KeyDetailsUnion import KeyDetailsUnion
from osak.client.container.fbs.KeyShareRecipientType import KeyShareRecipientType
from osak.client.container.fbs.PayloadEncryptionMethod import PayloadEncryptionMethod
from osak.client.container.fbs.SharesScheme import SharesScheme
from osak.client.container.fbs.ThresholdScheme import ThresholdScheme


def build_header(recipients: Sequence[Recipient]) -> bytes:
    """Return the header for these records, in their order.

    Raises:
        InvalidInputError: a record that no reader could use.
    """
    builder = Builder(1024)
    records = [_record(builder, recipient) for recipient in recipients]
    vector = _tables(builder, records)
    HeaderTable.HeaderStart(builder)
    HeaderTable.HeaderAddRecipients(builder, vector)
    HeaderTable.HeaderAddPayloadEncryptionMethod(builder, PayloadEncryptionMethod.CHACHA20POLY1305)
    builder.Finish(HeaderTable.HeaderEnd(builder))
    return bytes(builder.Output())


def _record(builder: Builder, recipient: Recipient) -> int:
    problem = capsule_problem(recipient.capsule) or recipient.problem
    if problem is not None:
        raise InvalidInputError(f"recipient {recipient.key_label!r} cannot be written: {problem}")
    type_number, capsule = _capsule(builder, recipient.capsule)
    key_label = builder.CreateString(recipient.key_label)
    encrypted_fmk = builder.CreateByteVector(recipient.encrypted_fmk)
    RecordTable.RecipientRecordStart(builder)
    RecordTable.RecipientRecordAddCapsuleType(builder, type_number)
    RecordTable.RecipientRecordAddCapsule(builder, capsule)
    RecordTable.RecipientRecordAddKeyLabel(builder, key_label)
    RecordTable.RecipientRecordAddEncryptedFmk(builder, encrypted_fmk)
    RecordTable.RecipientRecordAddFmkEncryptionMethod(builder, FMKEncryptionMethod.XOR)
    return int(RecordTable.RecipientRecordEnd(builder))


def _capsule(builder: Builder, capsule: Capsule) -> tuple[CapsuleType, int]:  # noqa: PLR0911 - one a kind
    """Write one capsule; returns its number in the union and its offset."""
    match capsule:
        case ECCapsule():
            return CapsuleType.ECC_PUBLIC_KEY, _ec(builder, capsule)
        case RSACapsule():
            return CapsuleType.RSA_PUBLIC_KEY, _rsa(builder, capsule)
        case KeyServerCapsule():
            return CapsuleType.KEY_SERVER, _key_server(builder, capsule)
        case SymmetricCapsule():
            return CapsuleType.SYMMETRIC_KEY, _symmetric(builder, capsule)
        case PasswordCapsule():
            return CapsuleType.PBKDF2, _password(builder, capsule)
        case KeySharesCapsule():
            return CapsuleType.KEY_SHARES, _key_shares(builder, capsule)
        case ThresholdSharesCapsule():
            return CapsuleType.THRESHOLD_SHARES, _threshold_shares(builder, capsule)
        case UnknownCapsule():
            raise InvalidInputError(f"cannot write a recipient of kind {capsule.type_number}")


def _ec(builder: Builder, capsule: ECCapsule) -> int:
    recipient_key = builder.CreateByteVector(capsule.recipient_public_key)
    sender_key = builder.CreateByteVector(capsule.sender_public_key)
    EcTable.ECCPublicKeyCapsuleStart(builder)
    EcTable.ECCPublicKeyCapsuleAddCurve(builder, capsule.curve)
    EcTable.ECCPublicKeyCapsuleAddRecipientPublicKey(builder, recipient_key)
    EcTable.ECCPublicKeyCapsuleAddSenderPublicKey(builder, sender_key)
    return int(EcTable.ECCPublicKeyCapsuleEnd(builder))


def _rsa(builder: Builder, capsule: RSACapsule) -> int:
    recipient_key = builder.CreateByteVector(capsule.recipient_public_key)
    encrypted_kek = builder.CreateByteVector(capsule.encrypted_kek)
    RsaTable.RSAPublicKeyCapsuleStart(builder)
    RsaTable.RSAPublicKeyCapsuleAddRecipientPublicKey(builder, recipient_key)
    RsaTable.RSAPublicKeyCapsuleAddEncryptedKek(builder, encrypted_kek)
    return int(RsaTable.RSAPublicKeyCapsuleEnd(builder))


def _key_server(builder: Builder, capsule: KeyServerCapsule) -> int:
    recipient_key = builder.CreateByteVector(capsule.recipient_public_key)
    if capsule.curve is None:
        RsaDetailsTable.RsaKeyDetailsStart(builder)
        RsaDetailsTable.RsaKeyDetailsAddRecipientPublicKey(builder, recipient_key)
        details, kind = RsaDetailsTable.RsaKeyDetailsEnd(builder), KeyDetailsUnion.RsaKeyDetails
    else:
        EcDetailsTable.EccKeyDetailsStart(builder)
        EcDetailsTable.EccKeyDetailsAddCurve(builder, capsule.curve)
        EcDetailsTable.EccKeyDetailsAddRecipientPublicKey(builder, recipient_key)
        details, kind = EcDetailsTable.EccKeyDetailsEnd(builder), KeyDetailsUnion.EccKeyDetails
    keyserver_id = builder.CreateString(capsule.keyserver_id)
    transaction_id = builder.CreateString(capsule.transaction_id)
    KeyServerTable.KeyServerCapsuleStart(builder)
    KeyServerTable.KeyServerCapsuleAddRecipientKeyDetailsType(builder, kind)
    KeyServerTable.KeyServerCapsuleAddRecipientKeyDetails(builder, details)
    KeyServerTable.KeyServerCapsuleAddKeyserverId(builder, keyserver_id)
    KeyServerTable.KeyServerCapsuleAddTransactionId(builder, transaction_id)
    return int(KeyServerTable.KeyServerCapsuleEnd(builder))


def _symmetric(builder: Builder, capsule: SymmetricCapsule) -> int:
    salt = builder.CreateByteVector(capsule.salt)
    SymmetricTable.SymmetricKeyCapsuleStart(builder)
    SymmetricTable.SymmetricKeyCapsuleAddSalt(builder, salt)
    return int(SymmetricTable.SymmetricKeyCapsuleEnd(builder))


def _password(builder: Builder, capsule: PasswordCapsule) -> int:
    salt = builder.CreateByteVector(capsule.salt)
    password_salt = builder.CreateByteVector(capsule.password_salt)
    PasswordTable.PBKDF2CapsuleStart(builder)
    PasswordTable.PBKDF2CapsuleAddSalt(builder, salt)
    PasswordTable.PBKDF2CapsuleAddPasswordSalt(builder, password_salt)
    PasswordTable.PBKDF2CapsuleAddKdfAlgorithmIdentifier(builder, KDFAlgorithmIdentifier.PBKDF2WithHmacSHA256)
    PasswordTable.PBKDF2CapsuleAddKdfIterations(builder, capsule.iterations)
    return int(PasswordTable.PBKDF2CapsuleEnd(builder))


def _key_shares(builder: Builder, capsule: KeySharesCapsule) -> int:
    shares = _tables(builder, [_key_share(builder, share) for share in capsule.shares])
    salt = builder.CreateByteVector(capsule.salt)
    recipient_id = builder.CreateString(capsule.recipient_id)
    KeySharesTable.KeySharesCapsuleStart(builder)
    KeySharesTable.KeySharesCapsuleAddShares(builder, shares)
    KeySharesTable.KeySharesCapsuleAddSalt(builder, salt)
    KeySharesTable.KeySharesCapsuleAddRecipientType(builder, KeyShareRecipientType.SID_MID)
    KeySharesTable.KeySharesCapsuleAddSharesScheme(builder, SharesScheme.N_OF_N)
    KeySharesTable.KeySharesCapsuleAddRecipientId(builder, recipient_id)
    return int(KeySharesTable.KeySharesCapsuleEnd(builder))


def _key_share(builder: Builder, share: KeyShare) -> int:
    server_base_url = builder.CreateString(share.server_base_url)
    share_id = builder.CreateString(share.share_id)
    KeyShareTable.KeyShareStart(builder)
    KeyShareTable.KeyShareAddServerBaseUrl(builder, server_base_url)
    KeyShareTable.KeyShareAddShareId(builder, share_id)
    return int(KeyShareTable.KeyShareEnd(builder))


def _threshold_shares(builder: Builder, capsule: ThresholdSharesCapsule) -> int:
    shares = _tables(builder, [_threshold_share(builder, share) for share in capsule.shares])
    salt = builder.CreateByteVector(capsule.salt)
    recipient_id = builder.CreateString(capsule.recipient_id)
    share_set = builder.CreateByteVector(capsule.share_set)
    group = builder.CreateString(capsule.group)
    ThresholdSharesTable.ThresholdSharesCapsuleStart(builder)
    ThresholdSharesTable.ThresholdSharesCapsuleAddShares(builder, shares)
    ThresholdSharesTable.ThresholdSharesCapsuleAddSalt(builder, salt)
    ThresholdSharesTable.ThresholdSharesCapsuleAddRecipientId(builder, recipient_id)
    ThresholdSharesTable.ThresholdSharesCapsuleAddRecipientType(builder, KeyShareRecipientType.SID_MID)
    ThresholdSharesTable.ThresholdSharesCapsuleAddThreshold(builder, capsule.threshold)
    ThresholdSharesTable.ThresholdSharesCapsuleAddScheme(builder, ThresholdScheme.SHAMIR_GF256)
    ThresholdSharesTable.ThresholdSharesCapsuleAddShareSet(builder, share_set)
    ThresholdSharesTable.ThresholdSharesCapsuleAddGroup(builder, group)
    return int(ThresholdSharesTable.ThresholdSharesCapsuleEnd(builder))


def _threshold_share(builder: Builder, share: ThresholdShare) -> int:
    server_base_url = builder.CreateString(share.server_base_url)
    share_id = builder.CreateString(share.share_id)
    commitment = builder.CreateByteVector(share.commitment)
    server_id = builder.CreateString(share.server_id)
    ThresholdShareTable.ThresholdShareStart(builder)
    ThresholdShareTable.ThresholdShareAddServerBaseUrl(builder, server_base_url)
    ThresholdShareTable.ThresholdShareAddShareId(builder, share_id)
    ThresholdShareTable.ThresholdShareAddIndex(builder, share.index)
    ThresholdShareTable.ThresholdShareAddCommitment(builder, commitment)
    ThresholdShareTable.ThresholdShareAddServerId(builder, server_id)
    return int(ThresholdShareTable.ThresholdShareEnd(builder))


def _tables(builder: Builder, offsets: Sequence[int]) -> int:
    """Write a vector of tables; the builder works backwards, so the last element goes first."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
