# SPDX-License-Identifier: MIT
"""Use case: open several containers with one credential, asking its owner as seldom as possible.

All containers are unlocked first, with one prompt and as few signatures as there can be; then each is
unpacked as if it were alone. What fails with one is told for that one. Each has a folder of its own:
files of the same name in two of them, or what a stranger called as if it came from somebody else, never meet.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from osak.client.cancellation import Progress, counted
from osak.client.configuration import Configuration
from osak.client.container import ContainerHeader, read_header
from osak.client.decryption import Decrypted, Listed, list_opened, unpack
from osak.client.errors import UsageError
from osak.client.inputs import reading, remaining_bytes
from osak.client.keys import Keys
from osak.client.opening import OpenContainer, unlock_headers
from osak.errors import OsakError

if TYPE_CHECKING:
    from osak.client.served_records import Unlocked
    from osak.coordinator import SigningRound

T = TypeVar("T")
Count = Callable[[int], None] | None
_ENDINGS = frozenset((".cdoc2", ".cdoc"))


@dataclass(frozen=True, slots=True)
class BatchResult(Generic[T]):
    """How it went with one container of several.

    Attributes:
        container: its path, as given.
        done: what came of it; None if it failed.
        error: why it failed; None if it did not.
    """

    container: Path
    done: T | None = None
    error: OsakError | OSError | None = None

    def get(self) -> T:
        """What came of it.

        Raises:
            OsakError: it failed.
            OSError: it cannot be read.
        """
        if self.error is not None:
            raise self.error
        assert self.done is not None, "a result or an error"
        return self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Several containers and what opens them.

    Attributes:
        containers: their paths.
        keys: the credential.
        config: groups, timeouts and limits.
        trust_container_servers: whether share servers that only a container names may be asked.
        progress: told how many bytes of all payloads are done, and of how many.
        on_signature: told before each signature is asked for.
    """

    containers: Sequence[Path]
    keys: Keys
    config: Configuration
    trust_container_servers: bool = False
    progress: Progress | None = None
    on_signature: "Callable[[SigningRound], object]" = lambda _: None

    def decrypt(self, folder: Path, *, overwrite: bool = False) -> tuple[BatchResult[Decrypted], ...]:
        """Write the files of each container into its own folder within ``folder``; see ``folders_for``.

        Never raises for one container's sake.

        Raises:
            UsageError: a container is named twice.
        """
        places = dict(zip(self.containers, folders_for(self.containers, folder), strict=True))
        limits = self.config.container_limits()

        def work(path: Path, opened: OpenContainer, counts: Count) -> Decrypted:
            return unpack(opened, places[path], limits, counts, overwrite=overwrite)

        return tuple(self._each(work))

    def list_files(self) -> tuple[BatchResult[Listed], ...]:
        """Tell what is in each container; writes nothing, never raises for one container's sake.

        Raises:
            UsageError: a container is named twice.
        """
        _refuse_twins(self.containers)
        limits = self.config.container_limits()
        return tuple(self._each(lambda _, opened, counts: list_opened(opened, limits, counts)))

    def _each(self, work: Callable[[Path, OpenContainer, Count], T]) -> Iterator[BatchResult[T]]:
        heads: dict[Path, _Head] = {}
        failures: dict[Path, OsakError | OSError] = {}
        for path in self.containers:
            try:
                heads[path] = self._read_head(path)
            except (OsakError, OSError) as error:
                failures[path] = error
        unlocked: dict[Path, Unlocked] = {}
        for path, result in zip(heads, self._unlock(heads.values()), strict=True):
            if isinstance(result, OsakError):
                failures[path] = result
            else:
                unlocked[path] = result
        counts = counted(self.progress, sum(heads[path].payload_bytes for path in unlocked))
        for path in self.containers:
            if path in failures:
                yield BatchResult(path, error=failures[path])
                continue
            try:
                done = _open_again(path, heads[path], unlocked[path], lambda one: work(path, one, counts))  # noqa: B023 - called at once
            except (OsakError, OSError) as error:
                yield BatchResult(path, error=error)
            else:
                yield BatchResult(path, done)

    def _read_head(self, path: Path) -> "_Head":
        with reading(path) as source:
            header = read_header(source, self.config.container_limits())
            return _Head(header, source.tell(), remaining_bytes(source) or 0)

    def _unlock(self, heads: "Iterable[_Head]") -> "list[Unlocked | OsakError]":
        return unlock_headers(
            [head.header for head in heads],
            self.keys,
            config=self.config,
            trust_container_servers=self.trust_container_servers,
            on_signature=self.on_signature,
        )


@dataclass(frozen=True, slots=True)
class _Head:
    """A container's header, and where its payload is."""

    header: ContainerHeader
    payload_start: int
    payload_bytes: int


def folders_for(containers: Sequence[Path], output: Path) -> list[Path]:
    """A folder within ``output`` for each container: its name without ``.cdoc2``.

    Where that is taken by one before, in upper or lower case, a number is added: ``letter``, ``letter-2``.

    Raises:
        UsageError: a container is named twice.
    """
    _refuse_twins(containers)
    taken: set[str] = set()
    folders = []
    for path in containers:
        name = path.stem if path.suffix.lower() in _ENDINGS else path.name
        names = (name if number == 1 else f"{name}-{number}" for number in count(1))
        free = next(one for one in names if _as_disks_see(one) not in taken)
        taken.add(_as_disks_see(free))
        folders.append(output / free)
    return folders


def _as_disks_see(name: str) -> str:
    """Equal where some file system takes two names for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _refuse_twins(containers: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in containers:
        whole = path.resolve()
        if whole in seen:
            raise UsageError(f"{path} is named twice")
        seen.add(whole)


def _open_again(path: Path, head: _Head, unlocked: "Unlocked", work: Callable[[OpenContainer], T]) -> T:
    """Work on a container that was unlocked before. Should it have changed, its tag will not be right."""
    with reading(path) as source:
        source.seek(head.payload_start)
        return work(OpenContainer(source, remaining_bytes(source), head.header, *unlocked))
