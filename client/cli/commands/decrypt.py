# SPDX-License-Identifier: MIT
"""``osak decrypt``: containers and one credential in, files or their names out.

Of several containers each has its own folder, its own report and its own failure.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import osak.client
from osak.client.cli.credentials import credential_options, read_credential
from osak.client.cli.failures import Failure, describe_failure, outcome_facts
from osak.client.cli.options import FILE, common_options
from osak.client.cli.reports import note_outcomes
from osak.client.cli.terminal import Terminal, counted
from osak.client.errors import UsageError

if TYPE_CHECKING:
    from osak.client import BatchResult, Decrypted, Listed, SigningRound
    from osak.client.credential_keys import AnyCredential


@click.command(short_help="Open containers and write their files.")
@click.argument("containers", metavar="CONTAINER...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The folder for the files.")
@click.option("--list", "only_list", is_flag=True, help="Show names and sizes of the files; write nothing.")
@click.option("--only", multiple=True, metavar="NAME", help="Write this file and no other.")
@credential_options()
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@common_options
def decrypt(
    terminal: Terminal,
    containers: tuple[Path, ...],
    *,
    output: Path | None,
    only_list: bool,
    only: tuple[str, ...],
    trust_container_servers: bool,
    overwrite: bool,
    **credential: Any,
) -> int:
    """Open CONTAINER with one credential and write its files into the output folder.

    Nothing appears in the folder before the whole container was checked.

    Of several containers each gets a folder of its own in the output folder, named as the container without
    .cdoc2; where two have the same name, the second gets a number: letter, letter-2. You are asked for a
    password or PIN once. Share servers want one signature for as many containers as fit on a ticket, a dozen
    or two: you are told before each. What fails with one container leaves the others alone; the exit code is
    the highest of all.

    \b
    osak decrypt letter.cdoc2 -o letter --id-card
    osak decrypt letter.cdoc2 -o letter --smart-id 38001085718
    osak decrypt letter.cdoc2 -o letter --p12 me.p12
    osak decrypt may.cdoc2 june.cdoc2 -o letters --id-card
    osak decrypt both.cdoc2 --list --password
    osak decrypt both.cdoc2 -o both --only a.txt --password
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    if only_list and (output is not None or only or overwrite):
        raise UsageError("--list writes nothing: leave --output, --only and --overwrite out")
    if output is None and not only_list:
        raise UsageError("where to? Name a folder with --output, or only --list the files")
    if only and len(containers) > 1:
        raise UsageError("--only takes files out of one container: name that one alone")
    config = osak.client.configuration_in_force(terminal.config)
    given = read_credential(terminal, config, _shown(containers), **credential)
    asked: dict[str, Any] = {"config": config, "trust_container_servers": trust_container_servers}
    with terminal.progress("reading" if only_list else "decrypting") as progress:
        asked["progress"] = progress
        if len(containers) > 1:
            return _open_many(terminal, containers, given, output, overwrite=overwrite, **asked)
        done = (
            osak.client.list_files(containers[0], given, **asked)
            if output is None
            else osak.client.decrypt(
                containers[0], given, output, only=only or None, overwrite=overwrite, **asked
            )
        )
    note_outcomes(terminal, done.outcomes)
    terminal.result({**_place(containers[0], done), **_facts(done)}, _text(containers[0], done))
    return 0


def _shown(containers: Sequence[Path]) -> Path:
    """What a phone is to show of several names: the first, and how many more there are."""
    first, more = containers[0], len(containers) - 1
    return first.with_name(f"{first.name} +{more}") if more else first


def _open_many(
    terminal: Terminal,
    containers: Sequence[Path],
    credential: "AnyCredential",
    output: Path | None,
    *,
    overwrite: bool,
    **asked: Any,
) -> int:
    """Open several and report on each; the exit code is the highest of all."""
    asked["on_signature"] = partial(_tell_signature, terminal)
    results: Sequence[BatchResult[Decrypted] | BatchResult[Listed]]
    if output is None:
        results = osak.client.list_files_many(containers, credential, **asked)
    else:
        results = osak.client.decrypt_many(containers, credential, output, overwrite=overwrite, **asked)
    failures = [_failure_of(result.error) for result in results if result.error is not None]
    for result in results:
        note_outcomes(terminal, result.done.outcomes if result.done else (), f"{result.container}: ")
    text = "\n".join(_text(result.container, result.done) for result in results if result.done)
    if text or terminal.json:
        terminal.result(_batch_facts(results, failures), text)
    failed = [result.container for result in results if result.error is not None]
    for container, failure in zip(failed, failures, strict=True):
        terminal.complain(f"{container}: {failure.text}", failure.hint)
    if failures:
        terminal.note(f"{len(failures)} of {counted(len(results), 'container')} could not be opened")
    return max((failure.exit_code for failure in failures), default=0)


def _tell_signature(terminal: Terminal, coming: "SigningRound") -> None:
    """Say what the PIN is for before it is asked for; if there will be several, even with ``--quiet``."""
    files = counted(coming.collections, "container")
    if coming.total > 1:
        terminal.tell(f"signature {coming.number} of {coming.total}, for {files}")
    else:
        terminal.note(f"one signature for {files}")


def _failure_of(error: Exception) -> Failure:
    failure = describe_failure(error)
    if failure is None:  # a fault of ours, which keeps its traceback
        raise error
    return failure


def _batch_facts(
    results: "Sequence[BatchResult[Decrypted] | BatchResult[Listed]]", failures: Sequence[Failure]
) -> dict[str, Any]:
    told = iter(failures)
    containers = [
        {"container": str(result.container), **_place(result.container, result.done), **_facts(result.done)}
        if result.done
        else {"container": str(result.container), "error": next(told).facts()}
        for result in results
    ]
    if not failures:
        return {"containers": containers}
    text = f"{len(failures)} of {counted(len(results), 'container')} could not be opened"
    worst = max(failure.exit_code for failure in failures)
    return {"containers": containers, "error": Failure(worst, "batch", text).facts()}


def _place(container: Path, done: "Decrypted | Listed") -> dict[str, Any]:
    folder = getattr(done, "folder", None)
    return {"container": str(container)} if folder is None else {"folder": str(folder)}


def _text(container: Path, done: "Decrypted | Listed") -> str:
    names = "".join(f"\n  {file.name}  ({file.size:,} bytes)" for file in done.files)
    folder, files = getattr(done, "folder", None), counted(len(done.files), "file")
    return f"{container} holds {files}:{names}" if folder is None else f"wrote {files} to {folder}:{names}"


def _facts(done: "Decrypted | Listed") -> dict[str, Any]:
    return {
        "files": [{"name": file.name, "bytes": file.size} for file in done.files],
        "outcomes": [outcome_facts(outcome) for outcome in done.outcomes],
    }
