# SPDX-License-Identifier: MIT
"""The payload: nonce, then one zlib stream under ChaCha20-Poly1305, then the tag (CDOC2, chapters 3 and 5).

Owns compression, encryption and the shape of the bytes; knows nothing of what is packed inside.
Both directions stream in constant memory. Deflate and inflate are by far the slowest step and leave
the interpreter lock, so they run in one worker thread beside encryption and input/output. The worker
only computes: it never touches a stream, so it cannot block, and every error of a stream is raised
where the caller stands. The writer hands over the next block before it waits for the last one, so the
worker never stands idle behind encryption, which does not leave the lock.

What ``PayloadReader.unverified_chunks`` yields is unverified until ``verify`` returned, and no error
found in it may be reported before that (chapter 3, "streaming").
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Final, Self

from isal import igzip_lib

from osak.client.container.aead import NONCE_BYTES, TAG_BYTES, Buffer, StreamDecryptor, StreamEncryptor
from osak.client.container.compression import Compression, deflater
from osak.client.container.errors import DamagedContainerError, LimitExceededError
from osak.client.container.limits import Limits
from osak.client.container.ratio_watch import RatioWatch

_PACK_BYTES: Final = 2**20
# Of large blocks one: with two, what is deflated next falls out of the processor's cache, which cost a
# third of the speed. Who gathers small pieces holds the interpreter's lock: there a block takes longer.
_READ_UNDER_WAY: Final = 1
_GATHERED_UNDER_WAY: Final = 4
_READ_BYTES: Final = 2**20
_INFLATE_BYTES: Final = 2**20
_LARGEST_ZLIB_METHOD: Final = 0x78


class PayloadWriter:
    """Writes the nonce at once, then everything given to ``write``, and the tag at ``finish``.

    Use it in a ``with`` block, so that the worker is gone whatever happens. Without ``finish`` the
    output is incomplete on purpose: it has no tag.
    """

    def __init__(
        self,
        out: BinaryIO,
        cek: bytes,
        nonce: bytes,
        aad: bytes,
        *,
        compression: Compression = Compression.FAST,
        limits: Limits | None = None,
    ) -> None:
        """Begin the payload.

        Args:
            out: where the header HMAC has just been written.
            cek: content key of 32 bytes, used for this one payload.
            nonce: 12 fresh random bytes.
            aad: prefix, header and header HMAC (chapter 5).
            compression: how hard to pack.
            limits: what readers accept; of them ``max_ratio`` and ``ratio_floor_bytes`` are obeyed here.
        """
        self._out = out
        self._limits = limits or Limits()
        self._encryptor = StreamEncryptor(cek, nonce, aad)
        self._deflater = deflater(compression)
        self._watch = None if compression is Compression.NONE else RatioWatch()
        self._given_bytes = self._packed_bytes = 0
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="osak-deflate")
        self._under_way: deque[Future[bytes]] = deque()
        self._gathered = bytearray()
        out.write(nonce)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.shutdown(cancel_futures=True)

    def write(self, data: Buffer) -> None:
        """Pack more bytes; the buffer may be reused when this returns.

        Raises:
            InvalidInputError: the payload is larger than one container can carry.
        """
        if len(self._gathered) + len(data) < _PACK_BYTES:
            self._gathered += data
            return
        for block, left in ((self._gathered, _GATHERED_UNDER_WAY), (bytes(data), _READ_UNDER_WAY)):
            if block:
                self._under_way.append(self._worker.submit(self._deflate, block))
                self._emit(left)
        self._gathered = bytearray()

    def finish(self) -> None:
        """Write what is left and the tag.

        Raises:
            InvalidInputError: the payload is larger than one container can carry.
        """
        self._under_way.append(self._worker.submit(self._deflate, self._gathered, last=True))
        self._emit(0)
        self._worker.shutdown()
        self._out.write(self._encryptor.finish())

    def exceeds_java_ratio(self, contents: Sequence[tuple[int, int]]) -> bool:
        """Whether the official Java client would refuse the payload, after ``finish``; see `ratio_watch`.

        Args:
            contents: begin and end of every file's content in what was written.
        """
        return self._watch is not None and self._watch.exceeds_java_ratio(contents)

    def _deflate(self, block: Buffer, *, last: bool = False) -> bytes:
        """Runs in the worker."""
        self._given_bytes += len(block)
        packed = self._deflater.store(block) if self._is_like_a_bomb() else self._deflater.compress(block)
        if last:
            packed += self._deflater.flush()
        self._packed_bytes += len(packed)
        if self._watch is not None:
            self._watch.see(packed, self._given_bytes)
        return packed

    def _is_like_a_bomb(self) -> bool:
        """Whether an empty disk image would soon shrink more than readers believe; long before it does."""
        limits = self._limits
        # From half the floor on: where readers begin to look, enough must be there already.
        if self._given_bytes <= limits.ratio_floor_bytes // 2:
            return False
        return self._given_bytes > limits.max_ratio * self._packed_bytes // 2

    def _emit(self, left: int) -> None:
        """Wait until no more than ``left`` blocks are under way, and write the others."""
        while len(self._under_way) > left:
            packed = self._under_way.popleft().result()
            if packed:
                self._out.write(self._encryptor.update(packed))


class PayloadReader:
    """Reads one payload to the end of its source, which need not be seekable."""

    def __init__(
        self,
        source: BinaryIO,
        cek: bytes,
        aad: bytes,
        limits: Limits,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Read the nonce.

        Args:
            source: stands right after the header HMAC.
            cek: content key of 32 bytes.
            aad: prefix, header and header HMAC (chapter 5).
            limits: ``max_ratio`` and ``ratio_floor_bytes`` are applied here.
            progress: told of each number of encrypted bytes as they are read.

        Raises:
            DamagedContainerError: the source ends within the nonce.
        """
        self._source = source
        self._limits = limits
        self._progress = progress
        self._ended = False
        nonce = b""
        while len(nonce) < NONCE_BYTES:
            nonce += self._read(NONCE_BYTES - len(nonce))
            if self._ended:
                raise DamagedContainerError("the file is cut short: it ends before the payload")
        self._decryptor = StreamDecryptor(cek, nonce, aad)
        # The last 16 bytes read so far may be the tag, so they are kept back, at the begin of this buffer.
        self._ciphertext = memoryview(bytearray(TAG_BYTES + _READ_BYTES))
        self._kept = 0

    def unverified_chunks(self) -> Generator[bytes, None, None]:
        """Yield the unpacked bytes in pieces of at most 1 MiB; nothing vouches for them yet.

        Close the iterator before calling anything else, as ``contextlib.closing`` does.

        Raises:
            DamagedContainerError: this is not exactly one whole zlib stream.
            LimitExceededError: the output outgrew the input by more than ``max_ratio``.
        """
        inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
        block = self._decrypt_block()
        # RFC 1950, 2.2: a window above 32 KiB does not exist; isal does not look at that field.
        if block and block[0] > _LARGEST_ZLIB_METHOD:
            raise DamagedContainerError("the compressed data is damaged")
        packed_bytes = unpacked_bytes = 0
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="osak-inflate") as worker:
            under_way = worker.submit(inflate.decompress, block, _INFLATE_BYTES)
            packed_bytes += len(block)
            block = self._decrypt_block()
            while True:
                try:
                    chunk = under_way.result()
                except igzip_lib.IsalError as cause:  # type: ignore[misc]  # the stub calls the class an instance
                    raise DamagedContainerError("the compressed data is damaged") from cause
                unpacked_bytes += len(chunk)
                self._check_ratio(packed_bytes, unpacked_bytes)
                if inflate.eof:
                    break
                if not inflate.needs_input:
                    under_way = worker.submit(inflate.decompress, b"", _INFLATE_BYTES)
                elif block:
                    under_way = worker.submit(inflate.decompress, block, _INFLATE_BYTES)
                    packed_bytes += len(block)
                    block = self._decrypt_block()
                else:
                    raise DamagedContainerError("the compressed data ends too early")
                yield chunk
        if inflate.unused_data or block:
            raise DamagedContainerError("bytes follow the end of the compressed data")
        yield chunk

    def verify(self) -> None:
        """Read what is left of the source and check the tag over everything.

        Raises:
            DamagedContainerError: the tag is wrong, or the source ended before it.
        """
        while self._decrypt_block():
            pass
        self._decryptor.verify(bytes(self._ciphertext[: self._kept]))

    def _decrypt_block(self) -> memoryview:
        """Return the next piece of the zlib stream, or nothing at the end of the source; see ``update``."""
        while not self._ended:
            data = self._read(_READ_BYTES)
            read = self._kept + len(data)
            self._ciphertext[self._kept : read] = data
            certain = max(0, read - TAG_BYTES)
            self._kept = read - certain
            if certain:
                plaintext = self._decryptor.update(self._ciphertext[:certain])
                self._ciphertext[: self._kept] = self._ciphertext[certain:read]
                return plaintext
        return memoryview(b"")

    def _read(self, count: int) -> bytes:
        data = self._source.read(count)
        self._ended = not data
        if self._progress is not None and data:
            self._progress(len(data))
        return data

    def _check_ratio(self, packed_bytes: int, unpacked_bytes: int) -> None:
        limits = self._limits
        if unpacked_bytes > limits.ratio_floor_bytes and unpacked_bytes > limits.max_ratio * packed_bytes:
            raise LimitExceededError(
                "max_ratio", limits.max_ratio, f"{packed_bytes} packed bytes hold {unpacked_bytes} or more"
            )
