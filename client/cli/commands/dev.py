# SPDX-License-Identifier: MIT
"""``osak dev``: what people need who try osak out or develop with it, and nobody in earnest."""

import asyncio
from contextlib import suppress
from pathlib import Path

import click

from osak.client.cli.options import common_options
from osak.client.cli.terminal import Terminal
from osak.client.errors import UsageError

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(short_help="Tools to try osak out without a contract or a card.")
def dev() -> None:
    """Tools to try osak out. Nothing here is for use in earnest."""


@dev.command("eid-sim")
@click.option(
    "--folder",
    type=_FOLDER,
    default="eid-sim",
    show_default=True,
    help="For its authorities and credentials.yaml; a second run in it is trusted like the first.",
)
@click.option(
    "--listen", metavar="IP:PORT", default="127.0.0.1:8843", show_default=True, help="Where it answers."
)
@click.option("--anywhere", is_flag=True, help="Let other computers in: --listen may be any address.")
@click.option(
    "--delay",
    "delay_seconds",
    metavar="SECONDS",
    type=click.FloatRange(0, 600),
    default=3.0,
    show_default=True,
    help="How long a person takes to answer.",
)
@click.option(
    "--result",
    metavar="RESULT",
    default="OK",
    show_default=True,
    help="How people who would sign answer, in the service's words, e.g. USER_REFUSED.",
)
@click.option(
    "--session-with",
    "servers",
    metavar="URL",
    multiple=True,
    help="A share server that people who log in at the simulated auth server get a session with; repeatable.",
)
@click.option(
    "--rp-server",
    is_flag=True,
    help="Let people log in for the simulated rp-server: credentials-rp-server.yaml.",
)
@common_options
def eid_sim(
    terminal: Terminal,
    folder: Path,
    listen: str,
    *,
    anywhere: bool,
    delay_seconds: float,
    result: str,
    servers: tuple[str, ...],
    rp_server: bool,
) -> None:
    """Simulate Smart-ID and Mobile-ID on this computer, with people who do not exist.

    It is a SIMULATOR: it shows on the terminal what the phone would, and its people answer by
    themselves. Signatures are real, by an authority that is written into the folder; share servers that
    should believe it are set up with --trust FOLDER/people-ca.pem. Ctrl-C ends it.
    """
    _check_words(result, servers)
    from osak.client.simulator.phones import Behaviour  # noqa: PLC0415 - a server, only when it is called
    from osak.client.simulator.serving import check_loopback, people_in  # noqa: PLC0415 - as above

    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError("--listen is IP:PORT, for example 127.0.0.1:8843")
    if not anywhere:
        check_loopback(host)
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    phones = people_in(folder)
    phones.behaviour = Behaviour(result=result, delay_seconds=delay_seconds)
    phones.tell = terminal.note

    async def run() -> None:
        from osak.client.simulator.auth_server import ISSUER  # noqa: PLC0415 - as above
        from osak.client.simulator.serving import serve  # noqa: PLC0415 - as above

        async with serve(phones, folder, servers=servers, host=host, port=int(port)) as address:
            if rp_server:
                address.auth_server.servers.append(address.rp_server_url)
            snippet = address.write_credentials(folder)
            facts = {"simulator": True, "url": address.url, "credentials": str(snippet)}
            facts["anchors"] = str(address.anchors)
            text = f"SIMULATOR of Smart-ID and Mobile-ID at {address.url}; Ctrl-C ends it"
            text += f"\n  for the client's configuration: {snippet}"
            text += f"\n  for share servers: osak node init --trust {address.anchors}"
            if servers:
                text += f"\n  for their section sessions: issuer {ISSUER}, keys_file {address.keys_file}"
            terminal.result(facts, text)
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


def _check_words(result: str, servers: tuple[str, ...]) -> None:
    """Check what nobody would tell of later: a result that no service knows, a server that cannot be one.

    Raises:
        UsageError: there is one.
    """
    from osak.client.simulator import people  # noqa: PLC0415 - only when it is called
    from osak.shares.errors import MessageError  # noqa: PLC0415 - as above
    from osak.shares.protocol.urls import ServerURL  # noqa: PLC0415 - as above

    known = {*people.SMART_ID_RESULTS, *people.SMART_ID_V3_RESULTS, *people.MOBILE_ID_RESULTS}
    if result not in {"OK", *known}:
        raise UsageError(f"no service answers {result}; --result is OK, {', '.join(sorted(known))}")
    try:
        for server in servers:
            ServerURL.parse(server)
    except MessageError as error:
        raise UsageError(f"--session-with: {error}") from error
