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
from osak.client.container.fbs import EccKeyDetails as ec_details_table
from osak.client.container.fbs import ECCPublicKeyCapsule as ec_table
from osak.client.container.fbs import Header as header_table
from osak.client.container.fbs import KeyServerCapsule as key_server_table
from osak.client.container.fbs import KeyShare as key_share_table
from osak.client.container.fbs import KeySharesCapsule as key_shares_table
from osak.client.container.fbs import PBKDF2Capsule as password_table
from osak.client.container.fbs import RecipientRecord as record_table
from osak.client.container.fbs import RsaKeyDetails as rsa_details_table
from osak.client.container.fbs import RSAPublicKeyCapsule as rsa_table
from osak.client.container.fbs import SymmetricKeyCapsule as symmetric_table
from osak.client.container.fbs import ThresholdShare as threshold_share_table
from osak.client.container.fbs import ThresholdSharesCapsule as threshold_shares_table
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
    header_table.HeaderStart(builder)
    header_table.HeaderAddRecipients(builder, vector)
    header_table.HeaderAddPayloadEncryptionMethod(builder, PayloadEncryptionMethod.CHACHA20POLY1305)
    builder.Finish(header_table.HeaderEnd(builder))
    return bytes(builder.Output())


def _record(builder: Builder, recipient: Recipient) -> int:
    problem = recipient.problem or capsule_problem(recipient.capsule)
    if problem is not None:
        raise InvalidInputError(f"recipient {recipient.key_label!r} cannot be written: {problem}")
    type_number, capsule = _capsule(builder, recipient.capsule)
    key_label = builder.CreateString(recipient.key_label)
    encrypted_fmk = builder.CreateByteVector(recipient.encrypted_fmk)
    record_table.RecipientRecordStart(builder)
    record_table.RecipientRecordAddCapsuleType(builder, type_number)
    record_table.RecipientRecordAddCapsule(builder, capsule)
    record_table.RecipientRecordAddKeyLabel(builder, key_label)
    record_table.RecipientRecordAddEncryptedFmk(builder, encrypted_fmk)
    record_table.RecipientRecordAddFmkEncryptionMethod(builder, FMKEncryptionMethod.XOR)
    return int(record_table.RecipientRecordEnd(builder))


def _capsule(builder: Builder, capsule: Capsule) -> tuple[CapsuleType, int]:
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
    ec_table.ECCPublicKeyCapsuleStart(builder)
    ec_table.ECCPublicKeyCapsuleAddCurve(builder, capsule.curve)
    ec_table.ECCPublicKeyCapsuleAddRecipientPublicKey(builder, recipient_key)
    ec_table.ECCPublicKeyCapsuleAddSenderPublicKey(builder, sender_key)
    return int(ec_table.ECCPublicKeyCapsuleEnd(builder))


def _rsa(builder: Builder, capsule: RSACapsule) -> int:
    recipient_key = builder.CreateByteVector(capsule.recipient_public_key)
    encrypted_kek = builder.CreateByteVector(capsule.encrypted_kek)
    rsa_table.RSAPublicKeyCapsuleStart(builder)
    rsa_table.RSAPublicKeyCapsuleAddRecipientPublicKey(builder, recipient_key)
    rsa_table.RSAPublicKeyCapsuleAddEncryptedKek(builder, encrypted_kek)
    return int(rsa_table.RSAPublicKeyCapsuleEnd(builder))


def _key_server(builder: Builder, capsule: KeyServerCapsule) -> int:
    recipient_key = builder.CreateByteVector(capsule.recipient_public_key)
    if capsule.curve is None:
        rsa_details_table.RsaKeyDetailsStart(builder)
        rsa_details_table.RsaKeyDetailsAddRecipientPublicKey(builder, recipient_key)
        details, kind = rsa_details_table.RsaKeyDetailsEnd(builder), KeyDetailsUnion.RsaKeyDetails
    else:
        ec_details_table.EccKeyDetailsStart(builder)
        ec_details_table.EccKeyDetailsAddCurve(builder, capsule.curve)
        ec_details_table.EccKeyDetailsAddRecipientPublicKey(builder, recipient_key)
        details, kind = ec_details_table.EccKeyDetailsEnd(builder), KeyDetailsUnion.EccKeyDetails
    keyserver_id = builder.CreateString(capsule.keyserver_id)
    transaction_id = builder.CreateString(capsule.transaction_id)
    key_server_table.KeyServerCapsuleStart(builder)
    key_server_table.KeyServerCapsuleAddRecipientKeyDetailsType(builder, kind)
    key_server_table.KeyServerCapsuleAddRecipientKeyDetails(builder, details)
    key_server_table.KeyServerCapsuleAddKeyserverId(builder, keyserver_id)
    key_server_table.KeyServerCapsuleAddTransactionId(builder, transaction_id)
    return int(key_server_table.KeyServerCapsuleEnd(builder))


def _symmetric(builder: Builder, capsule: SymmetricCapsule) -> int:
    salt = builder.CreateByteVector(capsule.salt)
    symmetric_table.SymmetricKeyCapsuleStart(builder)
    symmetric_table.SymmetricKeyCapsuleAddSalt(builder, salt)
    return int(symmetric_table.SymmetricKeyCapsuleEnd(builder))


def _password(builder: Builder, capsule: PasswordCapsule) -> int:
    salt = builder.CreateByteVector(capsule.salt)
    password_salt = builder.CreateByteVector(capsule.password_salt)
    password_table.PBKDF2CapsuleStart(builder)
    password_table.PBKDF2CapsuleAddSalt(builder, salt)
    password_table.PBKDF2CapsuleAddPasswordSalt(builder, password_salt)
    password_table.PBKDF2CapsuleAddKdfAlgorithmIdentifier(
        builder, KDFAlgorithmIdentifier.PBKDF2WithHmacSHA256
    )
    password_table.PBKDF2CapsuleAddKdfIterations(builder, capsule.iterations)
    return int(password_table.PBKDF2CapsuleEnd(builder))


def _key_shares(builder: Builder, capsule: KeySharesCapsule) -> int:
    shares = _tables(builder, [_key_share(builder, share) for share in capsule.shares])
    salt = builder.CreateByteVector(capsule.salt)
    recipient_id = builder.CreateString(capsule.recipient_id)
    key_shares_table.KeySharesCapsuleStart(builder)
    key_shares_table.KeySharesCapsuleAddShares(builder, shares)
    key_shares_table.KeySharesCapsuleAddSalt(builder, salt)
    key_shares_table.KeySharesCapsuleAddRecipientType(builder, KeyShareRecipientType.SID_MID)
    key_shares_table.KeySharesCapsuleAddSharesScheme(builder, SharesScheme.N_OF_N)
    key_shares_table.KeySharesCapsuleAddRecipientId(builder, recipient_id)
    return int(key_shares_table.KeySharesCapsuleEnd(builder))


def _key_share(builder: Builder, share: KeyShare) -> int:
    server_base_url = builder.CreateString(share.server_base_url)
    share_id = builder.CreateString(share.share_id)
    key_share_table.KeyShareStart(builder)
    key_share_table.KeyShareAddServerBaseUrl(builder, server_base_url)
    key_share_table.KeyShareAddShareId(builder, share_id)
    return int(key_share_table.KeyShareEnd(builder))


def _threshold_shares(builder: Builder, capsule: ThresholdSharesCapsule) -> int:
    shares = _tables(builder, [_threshold_share(builder, share) for share in capsule.shares])
    salt = builder.CreateByteVector(capsule.salt)
    recipient_id = builder.CreateString(capsule.recipient_id)
    share_set = builder.CreateByteVector(capsule.share_set)
    group = builder.CreateString(capsule.group)
    table = threshold_shares_table
    table.ThresholdSharesCapsuleStart(builder)
    table.ThresholdSharesCapsuleAddShares(builder, shares)
    table.ThresholdSharesCapsuleAddSalt(builder, salt)
    table.ThresholdSharesCapsuleAddRecipientId(builder, recipient_id)
    table.ThresholdSharesCapsuleAddRecipientType(builder, KeyShareRecipientType.SID_MID)
    table.ThresholdSharesCapsuleAddThreshold(builder, capsule.threshold)
    table.ThresholdSharesCapsuleAddScheme(builder, ThresholdScheme.SHAMIR_GF256)
    table.ThresholdSharesCapsuleAddShareSet(builder, share_set)
    table.ThresholdSharesCapsuleAddGroup(builder, group)
    return int(table.ThresholdSharesCapsuleEnd(builder))


def _threshold_share(builder: Builder, share: ThresholdShare) -> int:
    server_base_url = builder.CreateString(share.server_base_url)
    share_id = builder.CreateString(share.share_id)
    commitment = builder.CreateByteVector(share.commitment)
    server_id = builder.CreateString(share.server_id)
    threshold_share_table.ThresholdShareStart(builder)
    threshold_share_table.ThresholdShareAddServerBaseUrl(builder, server_base_url)
    threshold_share_table.ThresholdShareAddShareId(builder, share_id)
    threshold_share_table.ThresholdShareAddIndex(builder, share.index)
    threshold_share_table.ThresholdShareAddCommitment(builder, commitment)
    threshold_share_table.ThresholdShareAddServerId(builder, server_id)
    return int(threshold_share_table.ThresholdShareEnd(builder))


def _tables(builder: Builder, offsets: Sequence[int]) -> int:
    """Write a vector of tables; the builder works backwards, so the last element goes first."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
