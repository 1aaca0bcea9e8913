# SPDX-License-Identifier: MIT
"""The payload stream against other implementations, and against everything that can be wrong with it."""

import io
import os
import random
import zlib
from collections.abc import Iterator

import pytest
from Crypto.Cipher import ChaCha20_Poly1305
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container import aead
from osak.client.container.aead import StreamDecryptor, StreamEncryptor
from osak.client.container.compression import Compression
from osak.client.container.errors import DamagedContainerError, InvalidInputError, LimitExceededError
from osak.client.container.limits import Limits
from osak.client.container.payload import PayloadReader, PayloadWriter

KEY = bytes(range(32))
NONCE = bytes(range(12))
AAD = b"CDOC20payload header hmac"


class TrickleSource(io.RawIOBase):
    """A source that cannot seek and gives odd little pieces, as a pipe does."""

    def __init__(self, data: bytes, seed: int) -> None:
        self._data = io.BytesIO(data)
        self._random = random.Random(seed)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, self._random.randint(1, 40)))


def pieces(data: bytes, seed: int, largest: int = 300) -> Iterator[bytes]:
    """Cut data at random places."""
    cut = random.Random(seed)
    position = 0
    while position < len(data):
        end = position + cut.randint(1, largest)
        yield data[position:end]
        position = end


def pack(data: bytes, *, compression: Compression = Compression.FAST) -> bytes:
    """Return a whole payload."""
    out = io.BytesIO()
    with PayloadWriter(out, KEY, NONCE, AAD, compression=compression) as writer:
        writer.write(data)
        writer.finish()
    return out.getvalue()


def seal(compressed: bytes) -> bytes:
    """Return a payload with a right tag over any bytes in place of the zlib stream."""
    return NONCE + ChaCha20Poly1305(KEY).encrypt(NONCE, compressed, AAD)


def unpack(data: bytes, limits: Limits | None = None) -> bytes:
    """Read a whole payload."""
    reader = PayloadReader(io.BytesIO(data), KEY, AAD, limits or Limits())
    plain = b"".join(reader.unverified_chunks())
    reader.verify()
    return plain


@given(st.binary(max_size=2000), st.binary(max_size=70), st.integers(0, 2**32))
def test_stream_equals_two_other_implementations(message: bytes, aad: bytes, seed: int) -> None:
    """However a message is cut, ciphertext and tag are those of cryptography and of pycryptodome."""
    encryptor = StreamEncryptor(KEY, NONCE, aad)
    sealed = b"".join(bytes(encryptor.update(piece)) for piece in pieces(message, seed)) + encryptor.finish()
    other = ChaCha20_Poly1305.new(key=KEY, nonce=NONCE)
    other.update(aad)
    assert b"".join(other.encrypt_and_digest(message)) == sealed
    assert ChaCha20Poly1305(KEY).encrypt(NONCE, message, aad) == sealed
    decryptor = StreamDecryptor(KEY, NONCE, aad)
    assert b"".join(bytes(decryptor.update(memoryview(p))) for p in pieces(sealed[:-16], seed + 1)) == message
    decryptor.verify(sealed[-16:])


def test_published_vector() -> None:
    """The example of RFC 8439, 2.8.2, comes out."""
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you "
        b"only one tip for the future, sunscreen would be it."
    )
    key, nonce = bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647")
    encryptor = StreamEncryptor(key, nonce, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    assert encryptor.update(text).hex().startswith("d31a8d34648e60db7b86afbc53ef7ec2")
    assert encryptor.finish().hex() == "1ae10b594f09e26a7e902ecbd0600691"


@pytest.mark.parametrize(("key", "nonce"), [(KEY[:-1], NONCE), (KEY, NONCE + b"x")])
def test_wrong_key_or_nonce_length_is_refused(key: bytes, nonce: bytes) -> None:
    """A key or nonce of another length never reaches the cipher."""
    with pytest.raises(ValueError, match="32 bytes"):
        StreamEncryptor(key, nonce, b"")


def test_message_length_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither direction goes on where the 32-bit block counter would repeat the keystream."""
    assert aead.MAX_MESSAGE_BYTES == 274_877_906_880
    # 256 GiB cannot be run through a test; the bound itself is what is lowered here.
    monkeypatch.setattr(aead, "MAX_MESSAGE_BYTES", 100)
    encryptor, decryptor = StreamEncryptor(KEY, NONCE, AAD), StreamDecryptor(KEY, NONCE, AAD)
    encryptor.update(bytes(100))
    decryptor.update(bytes(100))
    with pytest.raises(InvalidInputError, match="larger"):
        encryptor.update(b"x")
    with pytest.raises(DamagedContainerError, match="larger"):
        decryptor.update(b"x")


@pytest.mark.parametrize("tag", [b"", bytes(15), bytes(16), bytes(17)])
def test_wrong_tag_is_refused(tag: bytes) -> None:
    """Any other tag, of any length, is one and the same error."""
    decryptor = StreamDecryptor(KEY, NONCE, AAD)
    decryptor.update(b"ciphertext")
    with pytest.raises(DamagedContainerError, match="the authentication tag is wrong"):
        decryptor.verify(tag)


@given(st.binary(max_size=3000), st.integers(0, 2**32), st.sampled_from(Compression))
def test_round_trip_over_a_trickling_source(data: bytes, seed: int, compression: Compression) -> None:
    """What was written in any pieces is read from a source that gives any pieces."""
    out = io.BytesIO()
    with PayloadWriter(out, KEY, NONCE, AAD, compression=compression) as writer:
        for piece in pieces(data, seed):
            writer.write(piece)
        writer.finish()
    reader = PayloadReader(TrickleSource(out.getvalue(), seed), KEY, AAD, Limits())  # type: ignore[arg-type]  # only read is needed
    assert b"".join(reader.unverified_chunks()) == data
    reader.verify()


@pytest.mark.parametrize("compression", Compression)
def test_large_round_trip_uses_many_blocks(compression: Compression) -> None:
    """Several blocks in flight keep their order, compressible or not."""
    data = os.urandom(5_000_003) + b"log line\n" * 500_000
    packed = pack(data, compression=compression)
    assert unpack(packed) == data
    assert zlib.decompress(ChaCha20Poly1305(KEY).decrypt(NONCE, packed[12:], AAD)) == data


def test_written_buffers_may_be_reused() -> None:
    """A caller may overwrite its buffer as soon as write returned, even a large one."""
    out = io.BytesIO()
    buffer = bytearray(3 * 2**20)
    expected = b""
    with PayloadWriter(out, KEY, NONCE, AAD) as writer:
        for number in range(4):
            buffer[:] = os.urandom(len(buffer)) if number % 2 else bytes([number]) * len(buffer)
            expected += buffer
            writer.write(buffer)
        writer.finish()
    assert unpack(out.getvalue()) == expected


def test_shape_of_the_payload() -> None:
    """A payload is the nonce, one zlib stream (RFC 1950) in the cipher, and the tag."""
    packed = pack(b"hello")
    plain = ChaCha20Poly1305(KEY).decrypt(NONCE, packed[12:], AAD)
    assert packed[:12] == NONCE
    assert plain[0] == 0x78
    assert zlib.decompress(plain) == b"hello"


@pytest.mark.parametrize("level", range(10))
def test_zlib_streams_of_others_are_read(level: int) -> None:
    """Every level of the standard library's zlib opens."""
    data = random.Random(level).randbytes(700) * 3000
    assert unpack(seal(zlib.compress(data, level))) == data


def test_truncation_at_every_byte_is_damage() -> None:
    """No beginning of a payload passes for a payload."""
    packed = pack(b"some bytes to lose")
    for length in range(len(packed)):
        with pytest.raises(DamagedContainerError):
            unpack(packed[:length])
        with pytest.raises(DamagedContainerError, match="cut short"):
            PayloadReader(io.BytesIO(packed[:length]), KEY, AAD, Limits()).verify()


def test_every_flipped_bit_is_a_wrong_tag() -> None:
    """Nonce, ciphertext and tag are all covered, and so are AAD and key."""
    packed = pack(b"some bytes to change")
    for bit in range(8 * len(packed)):
        changed = bytearray(packed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedContainerError, match="tag is wrong"):
            PayloadReader(io.BytesIO(changed), KEY, AAD, Limits()).verify()
    for key, aad in ((KEY[::-1], AAD), (KEY, AAD + b"x")):
        with pytest.raises(DamagedContainerError, match="tag is wrong"):
            PayloadReader(io.BytesIO(packed), key, aad, Limits()).verify()


WHOLE = zlib.compress(b"content" * 50)


@pytest.mark.parametrize(
    ("compressed", "message"),
    [
        (b"", "ends too early"),
        (WHOLE[:1], "ends too early"),
        *((WHOLE[:-cut], "ends too early") for cut in range(1, 5)),
        (WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]), "compressed data is damaged"),
        (b"\x79" + WHOLE[1:], "compressed data is damaged"),
        (b"\x78\x9d" + WHOLE[2:], "compressed data is damaged"),
        (b"\x78\xbb" + bytes(4) + WHOLE[2:], "compressed data is damaged"),
        (b"\x88\x1c" + WHOLE[2:], "compressed data is damaged"),
        (b"\x1f\x8b\x08\x00" + bytes(20), "compressed data is damaged"),
        (WHOLE + b"\x00", "bytes follow"),
        (WHOLE + WHOLE, "bytes follow"),
    ],
)
def test_other_than_one_whole_zlib_stream_is_damage(compressed: bytes, message: str) -> None:
    """Header, checksum, end and what follows are all checked, behind a right tag."""
    with pytest.raises(DamagedContainerError, match=message):
        unpack(seal(compressed))


def test_bytes_in_a_later_block_after_the_end_are_damage() -> None:
    """A stream that ends exactly with one block may have no other block after it."""
    noise = zlib.compress(os.urandom(2**20), 0)
    compressed = noise + bytes(3 * 2**20)
    with pytest.raises(DamagedContainerError, match="bytes follow"):
        unpack(seal(compressed))
    exact = zlib.compress(b"x")
    source = io.BytesIO(seal(exact + b"later"))
    trickle = TrickleSource(source.read(), 1)
    reader = PayloadReader(trickle, KEY, AAD, Limits())  # type: ignore[arg-type]  # only read is needed
    with pytest.raises(DamagedContainerError, match="bytes follow"):
        list(reader.unverified_chunks())


def zlib_verdict(compressed: bytes) -> bytes | None:
    """Return what zlib makes of exactly one whole stream, or None."""
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(compressed)
    except zlib.error:
        return None
    return plain if inflate.eof and not inflate.unused_data else None


def agrees_with_zlib(compressed: bytes) -> bool:
    """Tell whether our reader takes and refuses what zlib does, with our error alone."""
    try:
        plain = unpack(seal(compressed))
    except DamagedContainerError:
        return zlib_verdict(compressed) is None
    return plain == zlib_verdict(compressed)


@given(st.binary(max_size=200))
def test_any_bytes_in_place_of_zlib_end_as_zlib_says(compressed: bytes) -> None:
    """Nothing but our error comes out of arbitrary bytes under a right tag."""
    assert agrees_with_zlib(compressed)


def test_every_flipped_bit_of_a_zlib_stream_is_judged_as_zlib_does() -> None:
    """A stream changed before it was sealed, as a hostile sender can, is refused like elsewhere."""
    stream = zlib.compress(b"a short text, a short text and some more of it")
    for bit in range(8 * len(stream)):
        changed = bytearray(stream)
        changed[bit // 8] ^= 1 << bit % 8
        assert agrees_with_zlib(bytes(changed)), bit


def test_ratio_counts_only_above_the_floor() -> None:
    """A small very compressible file opens; a bomb stops soon after the floor."""
    packed = pack(bytes(8 * 2**20))
    assert len(unpack(packed, Limits(max_ratio=10))) == 8 * 2**20
    limits = Limits(max_ratio=10, ratio_floor_bytes=2**20)
    reader = PayloadReader(io.BytesIO(packed), KEY, AAD, limits)
    chunks = reader.unverified_chunks()
    out = 0
    with pytest.raises(LimitExceededError, match="raise max_ratio") as raised:
        for chunk in chunks:
            out += len(chunk)
    assert raised.value.limit == "max_ratio"
    assert out <= 2 * 2**20
    reader.verify()


@pytest.mark.parametrize(("floor_bytes", "max_ratio"), [(2**21, 50), (2**25, 20)])
@pytest.mark.parametrize("compression", list(Compression))
def test_what_is_written_is_never_a_bomb(compression: Compression, floor_bytes: int, max_ratio: int) -> None:
    """An empty disk image opens under the limits that it was written with; in between it is stored."""
    limits = Limits(ratio_floor_bytes=floor_bytes, max_ratio=max_ratio)
    out, block, text = io.BytesIO(), bytes(2**20), b"the last page"
    with PayloadWriter(out, KEY, NONCE, AAD, compression=compression, limits=limits) as writer:
        for _ in range(64):
            writer.write(block)
        writer.write(text)
        writer.finish()
    assert unpack(out.getvalue(), limits) == 64 * block + text
    packed = len(out.getvalue())
    assert 2**20 < packed < 8 * 2**20 or compression is Compression.NONE
    with pytest.raises(LimitExceededError):  # or else the limit would not be what was tried
        unpack(pack(64 * block), limits)


def test_chunks_are_small_whatever_the_bytes_ask_for() -> None:
    """One piece of output is at most 1 MiB, though a packed block could hold a gigabyte."""
    reader = PayloadReader(io.BytesIO(pack(bytes(20 * 2**20))), KEY, AAD, Limits())
    assert max(map(len, reader.unverified_chunks())) <= 2**20


def test_progress_counts_the_encrypted_bytes() -> None:
    """The sum of what progress is told is the length of the payload."""
    packed = pack(os.urandom(3_000_000))
    told: list[int] = []
    reader = PayloadReader(io.BytesIO(packed), KEY, AAD, Limits(), told.append)
    list(reader.unverified_chunks())
    reader.verify()
    assert sum(told) == len(packed)


class FullDisk(io.BytesIO):
    """An output that fails after some bytes."""

    def write(self, data: object, /) -> int:
        if self.tell() > 1000:
            raise OSError(28, "No space left on device")
        return super().write(data)  # type: ignore[arg-type]  # a buffer, as BytesIO declares


def test_failing_output_stops_the_writer_and_its_worker() -> None:
    """An error of the output reaches the caller at once and the worker is gone afterwards."""
    writer = PayloadWriter(FullDisk(), KEY, NONCE, AAD)
    with pytest.raises(OSError, match="No space"), writer:
        for _ in range(10):
            writer.write(os.urandom(2**20))
    with pytest.raises(RuntimeError):
        writer._worker.submit(int)


def test_abandoned_reading_releases_its_worker() -> None:
    """Closing the chunks early leaves the reader usable for the tag."""
    reader = PayloadReader(io.BytesIO(pack(os.urandom(6 * 2**20))), KEY, AAD, Limits())
    chunks = reader.unverified_chunks()
    next(chunks)
    chunks.close()
    reader.verify()
