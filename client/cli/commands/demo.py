# SPDX-License-Identifier: MIT
"""``osak demo``: the whole product on this computer in under a minute."""

import shutil
import tempfile
import time
from pathlib import Path

import click

from osak.client.cli.options import FILE, common_options
from osak.client.cli.terminal import Terminal
from osak.client.demo import story
from osak.client.errors import UsageError

_OWN_FILES = ("README.md", "LICENSE", "pyproject.toml", "CHANGELOG.md")


@click.command(short_help="See five servers lose two and still open a file.")
@click.argument("files", nargs=-1, type=FILE)
@click.option("--keep", is_flag=True, help="Leave the five servers running and say how to play with them.")
@common_options
def demo(terminal: Terminal, files: tuple[Path, ...], *, keep: bool) -> None:
    """Run five share servers, encrypt FILES 3-of-5, kill one server, let one lie, and open them.

    Without FILES, files of the repository you stand in are taken, else files of osak itself.
    """
    chosen = [path.resolve() for path in files] or _own_files()
    for path in chosen:
        if not path.is_file():
            raise UsageError(f"there is no file {path}")
    folder = Path(tempfile.mkdtemp(prefix="osak-demo-"))
    started = time.monotonic()
    group = story.prepare(folder)
    left_running = False
    try:
        story.tell(group, chosen, terminal.note)
        text = f"Everything above was checked and is true ({time.monotonic() - started:.1f} s)."
        if keep:
            text += _how_to_play(group)
            left_running = True
        terminal.result({"ok": True, "folder": str(folder) if keep else None}, text)
    finally:
        if not left_running:
            group.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _own_files() -> list[Path]:
    """Files of this repository, or of the installed package where there is no repository."""
    here = [path for name in _OWN_FILES if (path := Path(name)).is_file()]
    return [path.resolve() for path in here] or sorted(Path(story.__file__).parent.glob("*.py"))


def _how_to_play(group: story.DemoGroup) -> str:
    """Restart what was harmed, then list commands for the whole group."""
    for number in (story.LIAR, story.KILLED, story.STOPPED):
        group.servers[number].stop()
        group.servers[number].start()
    pids = " ".join(str(pid) for server in group.servers for pid in server.pids)
    person, config = group.person, group.config_file
    return f"""

All five servers are running and honest again. In {group.folder}:
  export OSAK_CONFIG={config}
  osak group check
  osak encrypt FILE -o my.cdoc2 --to {person.code}
  osak inspect my.cdoc2
  osak decrypt my.cdoc2 -o opened --p12 {person.p12_file} --p12-password-file {person.password_file}
Stop the servers and clean up with:
  kill {pids}; rm -r {group.folder}"""
