# SPDX-License-Identifier: MIT
"""A directory on loopback that answers over TLS whatever a test wants it to."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sansldap
from factories.directories import TestDirectory, make_certificate

Answers = Callable[[sansldap.LDAPServer, sansldap.SearchRequest], Iterable[bytes]]
"""What to send for a search: pieces of bytes, however many."""


@contextmanager
def answering(folder: Path, answers: Answers) -> Iterator[TestDirectory]:
    """A directory that takes the bind as it should and then answers each search so."""
    ca_file = make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(listener, context, answers))
        thread.start()
        try:
            yield TestDirectory(port, ca_file, folder / "anchors.pem")
        finally:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()  # nobody waits any longer
            thread.join()


def entry(session: sansldap.LDAPServer, request: sansldap.SearchRequest, *certificates: bytes) -> bytes:
    """One entry with these values."""
    attribute = sansldap.PartialAttribute("userCertificate;binary", list(certificates))
    session.search_result_entry(request.message_id, "cn=x,c=EE", [attribute])
    return session.data_to_send()


def done(session: sansldap.LDAPServer, request: sansldap.SearchRequest, code: int = 0) -> bytes:
    """The end of a search."""
    session.search_result_done(request.message_id, sansldap.LDAPResultCode(code))
    return session.data_to_send()


def _serve(listener: socket.socket, context: ssl.SSLContext, answers: Answers) -> None:
    plain, _ = listener.accept()
    with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
        connection.settimeout(10)
        session = sansldap.LDAPServer()
        while data := connection.recv(65536):
            for message in session.receive(data):
                if isinstance(message, sansldap.BindRequest):
                    session.bind_response(message.message_id)
                    connection.sendall(session.data_to_send())
                elif isinstance(message, sansldap.SearchRequest):
                    for piece in answers(session, message):
                        connection.sendall(piece)
