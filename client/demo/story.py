# SPDX-License-Identifier: MIT
"""The demo as a story in four acts; each act checks what it claims and the story fails if it is not so.

1. Five organisations each run a share server; a sender encrypts 3-of-5 for one person.
2. One server is killed, before another a liar takes its place.
3. The person still opens the file; the dead and the liar are named; SHA-256 is compared.
4. One more server stops: two good ones remain, the file stays shut and nothing is left behind.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osak.client.demo.people import DemoPerson, make_person
from osak.client.demo.servers import DemoError, DemoServer, free_ports, run_osak

GROUP = "demo"
THRESHOLD = 3
ORGANISATIONS = (
    ("ria", "Riigi Infosüsteemi Amet"),
    ("pank", "Tallinna Pank"),
    ("ylikool", "Tartu Ülikool"),
    ("haigla", "Pärnu Haigla"),
    ("raamatukogu", "Rahvusraamatukogu"),
)
# Places in the group of those that fail.
LIAR, KILLED, STOPPED = 0, 1, 2
_MOST_OPENINGS = 20

Say = Callable[[str], None]


@dataclass(slots=True)
class DemoGroup:
    """Everything the demo stands on.

    Attributes:
        folder: where all of it lies.
        servers: five of them.
        person: who receives the file.
        config_file: the client's YAML.
    """

    folder: Path
    servers: list[DemoServer]
    person: DemoPerson
    config_file: Path

    @property
    def container(self) -> Path:
        """The encrypted file."""
        return self.folder / "demo.cdoc2"

    def stop(self) -> None:
        """End every process."""
        for server in self.servers:
            server.stop()


def prepare(folder: Path) -> DemoGroup:
    """Lay out folders, keys and certificates of five servers and one person; starts nothing."""
    ports = free_ports(2 * len(ORGANISATIONS))
    servers = [
        DemoServer(id_, organisation, folder / id_, ports[2 * number], ports[2 * number + 1])
        for number, (id_, organisation) in enumerate(ORGANISATIONS)
    ]
    return DemoGroup(folder, servers, make_person(folder), folder / "osak.yaml")


def tell(group: DemoGroup, files: Sequence[Path], say: Say) -> None:
    """Play all four acts.

    Raises:
        DemoError: something that the demo claims is not so.
    """
    digests = {path.name: _sha256(path) for path in files}
    _act_encrypt(group, files, say)
    _act_harm(group, say)
    _act_open(group, digests, say)
    _act_refuse(group, say)


def _act_encrypt(group: DemoGroup, files: Sequence[Path], say: Say) -> None:
    say("1. Five organisations, each with its own process, folder, key, certificate and database:")
    for server in group.servers:
        server.set_up(group.person.authority_file)
        server.start()
        say(f"     {server.id:<12} {server.organisation:<24} {server.url}")
    urls = [server.url for server in group.servers]
    _osak(group, "group", "add", *urls, "--group", GROUP, "--threshold", str(THRESHOLD), "--yes")
    facts, seconds = _osak(
        group, "encrypt", *map(str, files), "-o", str(group.container), "--to", group.person.code
    )
    size = sum(path.stat().st_size for path in files)
    say(f"   Encrypted {len(files)} files ({size:,} bytes) for {group.person.code}, {THRESHOLD} of 5 servers")
    say(f"   open them: {facts['bytes']:,} bytes in {seconds:.2f} s -> {group.container.name}\n")


def _act_harm(group: DemoGroup, say: Say) -> None:
    killed, liar = group.servers[KILLED], group.servers[LIAR]
    killed.kill()
    liar.put_liar_before()
    say(f"2. {killed.id} is killed (SIGKILL); before {liar.id} a liar answers and flips a bit of a share.\n")


def _act_open(group: DemoGroup, digests: dict[str, str], say: Say) -> None:
    output, liar = group.folder / "opened", group.servers[LIAR].id
    facts, seconds = _osak(group, *_decrypt(group, output))
    # Three prompt servers out of four are asked, in random order: mostly the liar is among them.
    for _ in range(_MOST_OPENINGS):
        if _statuses(facts)[liar] == "wrong-share":
            break
        say(f"   (opened in {seconds:.2f} s without asking {liar} for its share; once more, to catch it)")
        facts, seconds = _osak(group, *_decrypt(group, output), "--overwrite")
    status = _statuses(facts)
    say(f"3. The recipient signs once and opens the file in {seconds:.2f} s (a whole process). Each server:")
    _say_outcomes(facts, say)
    _check(status[liar] == "wrong-share", "the liar was not named")
    _check(status[group.servers[KILLED].id] in {"unreachable", "slow"}, "the dead server was not named")
    found = {path.name: _sha256(path) for path in output.iterdir()}
    _check(found == digests, "the decrypted files differ from the originals")
    for name, digest in sorted(found.items()):
        say(f"     sha256 {digest[:16]}… same as the original: {name}")
    say("")


def _act_refuse(group: DemoGroup, say: Say) -> None:
    stopped = group.servers[STOPPED]
    stopped.stop()
    output = group.folder / "refused"
    facts, seconds = _osak(group, *_decrypt(group, output), expected=4)
    say(f"4. {stopped.id} stops too. Two honest servers remain, three are needed. Each server:")
    _say_outcomes(facts["error"], say)
    _check(not output.exists(), "something was left behind after the refusal")
    say(f"     refused with exit code 4 in {seconds:.2f} s; no output was left\n")


def _decrypt(group: DemoGroup, output: Path) -> list[str]:
    person = group.person
    credential = ["--p12", str(person.p12_file), "--p12-password-file", str(person.password_file)]
    return ["decrypt", str(group.container), "-o", str(output), *credential]


def _osak(group: DemoGroup, *arguments: str, expected: int = 0) -> tuple[dict[str, Any], float]:
    """Run a command with ``--json``; return its facts and how long the whole process took."""
    start = time.monotonic()
    done = run_osak([*arguments, "--config", str(group.config_file), "--json"])
    seconds = time.monotonic() - start
    if done.returncode != expected:
        called = " ".join(arguments[:2])
        raise DemoError(f"osak {called} ended with {done.returncode}, not {expected}: {done.stderr.strip()}")
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts, seconds


def _statuses(facts: dict[str, Any]) -> dict[str, str]:
    return {outcome["server"]: outcome["status"] for outcome in facts["outcomes"]}


def _say_outcomes(facts: dict[str, Any], say: Say) -> None:
    """Print one line a server."""
    for outcome in facts["outcomes"]:
        milliseconds = 1000 * outcome["elapsed_seconds"]
        say(
            f"     {outcome['server']:<12} {outcome['status']:<12}{milliseconds:6.1f} ms  {outcome['detail']}"
        )


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoError(f"the demo failed: {otherwise}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
