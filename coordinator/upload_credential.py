# SPDX-License-Identifier: MIT
"""How the sender's organisation is known at a server that is closed to strangers: ``upload`` in the YAML.

A token is read from its file when the YAML is, so that a mistake in it is found with all the others. It
goes along with uploads to this one server and with nothing else.
"""

import ssl
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import PlainValidator, SecretStr, ValidationInfo, WithJsonSchema, model_validator

from osak.coordinator.errors import Unreachable
from osak.shares.configuration import Settings

MAX_TOKEN_CHARACTERS: Final = 4096


def find_file(value: Any, info: ValidationInfo) -> Path:
    """A file that the YAML names; a relative path starts at the YAML's folder.

    Raises:
        ValueError: no path, or no such file.
    """
    if not isinstance(value, str | Path):
        raise ValueError("expected the path of a file")  # noqa: TRY004 - pydantic reports ValueError
    folder = (info.context or {}).get("folder", Path())
    try:
        path: Path = folder / Path(value).expanduser()
        found = path.is_file()
    except (OSError, RuntimeError, ValueError) as cause:  # a name no file can have, or the home of nobody
        raise ValueError("that cannot be the path of a file") from cause
    if not found:
        raise ValueError(f"there is no file {path}")
    return path


def _read_token(value: Any, info: ValidationInfo) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    path = find_file(value, info)
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise ValueError(f"{path} cannot be read as a token") from cause
    if not token.isprintable() or not 0 < len(token) <= MAX_TOKEN_CHARACTERS or " " in token:
        raise ValueError(f"expected a token alone, in one line, in {path}")
    return SecretStr(token)


ExistingFile = Annotated[Path, PlainValidator(find_file), WithJsonSchema({"type": "string"})]
TokenFile = Annotated[SecretStr, PlainValidator(_read_token), WithJsonSchema({"type": "string"})]


class UploadCredential(Settings):
    """By what the sender is known at one server: a token, a certificate, or both.

    Attributes:
        token_file: the token that the server's operator gave out; a file with nothing else in it.
        certificate_file: PEM, shown in the TLS handshake of uploads.
        key_file: PEM, its private key, not encrypted.
    """

    token_file: TokenFile | None = None
    certificate_file: ExistingFile | None = None
    key_file: ExistingFile | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        if self.token_file is None and self.certificate_file is None:
            raise ValueError("name token_file, or certificate_file and key_file")
        return self

    def headers(self) -> dict[str, str]:
        """What goes along with an upload (RFC 6750, section 2.1)."""
        if self.token_file is None:
            return {}
        return {"Authorization": f"Bearer {self.token_file.get_secret_value()}"}

    def show_certificate(self, context: ssl.SSLContext) -> None:
        """Let connections of ``context`` show the sender's certificate, if there is one.

        Raises:
            Unreachable: the files are not a certificate and its key; nothing was sent.
        """
        if self.certificate_file is None:
            return
        try:
            # An empty password: an encrypted key must end in an error, not in a prompt.
            context.load_cert_chain(self.certificate_file, self.key_file, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise Unreachable(
                f"was not asked: {self.certificate_file} and {self.key_file} are no certificate and its key",
                request_sent=False,
            ) from error
