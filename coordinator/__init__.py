# SPDX-License-Identifier: MIT
"""The client's side of a group of share servers: many servers look like one.

``Coordinator`` splits a KEK over a group and collects it back with one signature; ``KeyCredential``
signs with a key at hand. ``HTTPTransport`` is in ``osak.coordinator.transport.http``, apart from here,
so that a program without servers never loads aiohttp. Knows nothing of containers beyond
``Placement``, and nothing of how a server works inside.
"""

from osak.coordinator.auth.base import Credential, TicketSignature
from osak.coordinator.auth.key import KeyCredential
from osak.coordinator.check import NodeCheck
from osak.coordinator.collect import Collected
from osak.coordinator.coordinator import Coordinator
from osak.coordinator.distribute import Distribution
from osak.coordinator.errors import (
    BadReply,
    CoordinatorError,
    CredentialError,
    DistributionError,
    InvalidPlacementError,
    NoAnswerError,
    NotEnoughSharesError,
    Refused,
    TimedOut,
    TransportError,
    UnknownServerError,
    Unreachable,
    Untrusted,
    WrongSecretError,
)
from osak.coordinator.group import Group, Server, Timeouts, TLSSettings
from osak.coordinator.history import Testimony
from osak.coordinator.joint_signing import SigningRound, SigningTable
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.placement import Placement, Receipt, Scheme
from osak.coordinator.progress import Progress
from osak.coordinator.signing import LoneSigner, Signer
from osak.coordinator.transport.base import NodeTransport, UploadOptions
from osak.coordinator.trust import server_named_by_container
from osak.coordinator.upload_credential import UploadCredential

__all__ = [
    "BadReply",
    "Collected",
    "Coordinator",
    "CoordinatorError",
    "Credential",
    "CredentialError",
    "Distribution",
    "DistributionError",
    "Group",
    "InvalidPlacementError",
    "KeyCredential",
    "LoneSigner",
    "NoAnswerError",
    "NodeCheck",
    "NodeTransport",
    "NotEnoughSharesError",
    "Outcome",
    "Placement",
    "Progress",
    "Receipt",
    "Refused",
    "Scheme",
    "Server",
    "Signer",
    "SigningRound",
    "SigningTable",
    "Status",
    "TLSSettings",
    "Testimony",
    "TicketSignature",
    "TimedOut",
    "Timeouts",
    "TransportError",
    "UnknownServerError",
    "Unreachable",
    "Untrusted",
    "UploadCredential",
    "UploadOptions",
    "WrongSecretError",
    "server_named_by_container",
]
