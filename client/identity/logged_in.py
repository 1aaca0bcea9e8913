# SPDX-License-Identifier: MIT
"""A phone whose owner also logs in at an auth server, once a run, before any share server is asked."""

from osak.client.identity.auth_server import AuthServer, Sessions
from osak.coordinator import Credential, TicketSignature


class Login:
    """A person's sessions, kept from the first time they are needed to the end of the run."""

    def __init__(self, auth_server: AuthServer, recipient_id: str, phone_number: str = "") -> None:
        """Take everything, ask nobody yet; ``phone_number`` is for Mobile-ID."""
        self._auth_server = auth_server
        self._recipient_id = recipient_id
        self._phone_number = phone_number
        self._sessions: Sessions | None = None

    async def sessions(self) -> Sessions:
        """What each server is to be shown; the person is asked the first time.

        Raises:
            IdentityError: refused, failed, or not to be believed; a ``CredentialError``.
        """
        if self._sessions is None:
            self._sessions = await self._auth_server.log_in(self._recipient_id, self._phone_number)
        return self._sessions


class LoggedInCredential:
    """Another credential, and the sessions of its owner; signing is the other's."""

    def __init__(self, credential: Credential, login: Login) -> None:
        """Take both, ask nobody yet."""
        self._credential = credential
        self._login = login

    @property
    def recipient_id(self) -> str:
        """The person."""
        return self._credential.recipient_id

    @property
    def algorithm(self) -> str:
        """The other's."""
        return self._credential.algorithm

    async def sign(self, signing_input: bytes) -> TicketSignature:
        """Sign as the other does.

        Raises:
            CredentialError: refused or failed.
        """
        return await self._credential.sign(signing_input)

    async def log_in(self) -> Sessions:
        """What each server is to be shown; the person is asked the first time.

        Raises:
            IdentityError: refused, failed, or not to be believed; a ``CredentialError``.
        """
        return await self._login.sessions()


async def sessions_of(credential: Credential) -> Sessions:
    """The sessions that go with a credential; none where no auth server is configured.

    Raises:
        IdentityError: logging in was refused or failed.
    """
    return await credential.log_in() if isinstance(credential, LoggedInCredential) else {}
