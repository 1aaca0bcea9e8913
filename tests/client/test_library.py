# SPDX-License-Identifier: MIT
"""The library's functions: all kinds of recipients and credentials, streams, progress; nothing is left."""

import io
import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.people import Person as CertifiedPerson
from factories.people import TestCA

from osak.client import (
    PKCS12,
    Certificate,
    ClientConfig,
    CredentialFileError,
    DamagedContainerError,
    File,
    InvalidInputError,
    MessageError,
    NoRecipientError,
    OutputError,
    OutputExistsError,
    Password,
    Person,
    PrivateKey,
    PublicKey,
    Secret,
    UsageError,
    WrongKeyError,
    decrypt,
    encrypt,
    inspect,
    list_files,
    reencrypt,
)
from osak.client.decryption import MAX_MEMORY_BYTES
from osak.client.library import AnyConfiguration

PASSWORD = Password("Kui-Arno-isaga", label="archive")
NONE: AnyConfiguration = ClientConfig()


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Tere!\n" * 1000)
    return path


@pytest.fixture(scope="module")
def owner() -> CertifiedPerson:
    return TestCA().issue("PNOEE-48010010101", key=ec.generate_private_key(ec.SECP384R1()))


@pytest.fixture
def files(owner: CertifiedPerson, tmp_path: Path) -> Path:
    """A folder with what a person has: certificate, key, both in one file."""
    (tmp_path / "me.pem").write_bytes(owner.certificate_pem)
    (tmp_path / "me.key").write_bytes(owner.key_pem)
    (tmp_path / "me.p12").write_bytes(owner.p12(b"passwd"))
    return tmp_path


class _Forward(io.RawIOBase):
    """A pipe: it cannot seek, gives little at once and takes little at once."""

    def __init__(self, content: bytes = b"", *, pieces: int = 1000) -> None:
        self.taken = bytearray()
        self._source = io.BytesIO(content)
        self._pieces = pieces

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(min(size, self._pieces) if size >= 0 else self._pieces)

    def write(self, data: object, /) -> int:
        piece = memoryview(data)[: self._pieces]  # type: ignore[arg-type]  # any buffer
        self.taken += piece
        return len(piece)


def opened(container: Path | BinaryIO, *credentials: PKCS12 | PrivateKey | Password | Secret) -> bytes:
    """The one file in it, the same with every credential."""
    contents = set()
    for credential in credentials:
        (file,) = decrypt(container, credential, config=NONE).files
        with file.open() as stream:
            contents.add(stream.read())
    (content,) = contents
    return content


def test_keys_in_every_form(letter: Path, files: Path, owner: CertifiedPerson) -> None:
    """Recipients and credentials come as paths, as content and as objects."""
    assert isinstance(owner.key, ec.EllipticCurvePrivateKey)
    recipients: list[Certificate | PublicKey] = [
        Certificate(files / "me.pem"),
        Certificate(str(files / "me.pem")),
        Certificate(owner.certificate_pem),
        Certificate(owner.certificate),
        PublicKey(files / "me.pem"),
        PublicKey(owner.key.public_key()),
    ]
    for number, to in enumerate(recipients):
        box = files / f"{number}.cdoc2"
        assert encrypt(letter, to, box, config=NONE).path == box
        assert opened(
            box,
            PKCS12(files / "me.p12", "passwd"),
            PKCS12((files / "me.p12").read_bytes(), lambda: "passwd"),
            PrivateKey(files / "me.key"),
            PrivateKey(owner.key_pem, certificate=owner.certificate),
            PrivateKey(owner.key, certificate=files / "me.pem"),
        )


def test_certificates_are_certificates(letter: Path, tmp_path: Path) -> None:
    """Who asks for a certificate does not get by with a bare key."""
    key = rsa.generate_private_key(65537, 2048).public_key()
    encrypt(letter, PublicKey(key), tmp_path / "a.cdoc2", config=NONE)
    with pytest.raises(CredentialFileError, match="not a bare public key"):
        encrypt(letter, Certificate(key), tmp_path / "b.cdoc2", config=NONE)  # type: ignore[arg-type]  # so it is
    assert not (tmp_path / "b.cdoc2").exists()


def test_secrets_are_taken_as_they_are(letter: Path, tmp_path: Path) -> None:
    """Bytes are the key itself, also where they look like the text of another; a file may be such a text."""
    looks_like_text = b"0123456789abcdef" * 4
    (tmp_path / "key").write_bytes(looks_like_text)
    box = tmp_path / "a.cdoc2"
    encrypt(letter, Secret(looks_like_text, "k"), box, config=NONE)
    assert opened(box, Secret(looks_like_text))
    with pytest.raises(WrongKeyError):
        decrypt(box, Secret(tmp_path / "key"), config=NONE)


def test_labels_choose(letter: Path, tmp_path: Path) -> None:
    """To encrypt a label is needed; to open it picks among several."""
    box = tmp_path / "a.cdoc2"
    encrypt(letter, [PASSWORD, Password("Teele-tasuks-100", label="Teele")], box, config=NONE)
    assert opened(box, Password("Teele-tasuks-100"), Password("Teele-tasuks-100", label="Teele"))
    with pytest.raises(NoRecipientError):
        decrypt(box, Password("Teele-tasuks-100", label="Joosep"), config=NONE)
    with pytest.raises(InvalidInputError, match="label"):
        encrypt(letter, Password("Kui-Arno-isaga"), tmp_path / "b.cdoc2", config=NONE)


def test_nobody_is_asked_in_vain(letter: Path, files: Path) -> None:
    """A password is asked for only when it is needed: not where a file has none, and after all else."""

    def never() -> str:
        raise AssertionError

    encrypt(letter, Certificate(files / "me.pem"), files / "a.cdoc2", config=NONE)
    assert opened(files / "a.cdoc2", PrivateKey(files / "me.key", password=never))
    with pytest.raises(UsageError, match="missing"):
        encrypt(letter, [Certificate(files / "missing"), Password(never, "k")], files / "b", config=NONE)


def test_people_need_a_group(letter: Path, tmp_path: Path) -> None:
    """A code alone is a person; without servers, or with a mistyped code, nothing is written."""
    for to in ("38001085718", Person("38001085718", group="eesti")):
        with pytest.raises(UsageError, match="group"):
            encrypt(letter, to, tmp_path / "a.cdoc2", config=NONE)
    servers = [{"id": name, "organisation": name, "url": f"https://{name}.example"} for name in "ab"]
    config = ClientConfig.model_validate({"groups": {"g": {"threshold": 2, "servers": servers}}})
    for person, error in (
        (Person("38001085719"), MessageError),
        (Person("38001085718", threshold=3), UsageError),
        (Person("38001085718", threshold=1), UsageError),
        (Person("38001085718", threshold=2, n_of_n=True), UsageError),
    ):
        with pytest.raises(error):
            encrypt(letter, person, tmp_path / "a.cdoc2", config=config)
    assert not (tmp_path / "a.cdoc2").exists()


def test_pipes_all_the_way(tmp_path: Path) -> None:
    """In and out through streams that cannot seek and move little at a time; none is closed."""
    content = os.urandom(100_000)
    source, sink = _Forward(content), _Forward()
    done = encrypt(File("a.bin", source, len(content)), PASSWORD, sink, config=NONE)  # type: ignore[arg-type]  # a raw stream is one
    assert (done.path, done.container_bytes, done.files) == (None, len(sink.taken), 1)
    again = _Forward()
    moved = reencrypt(_Forward(bytes(sink.taken)), PASSWORD, PASSWORD, again, config=NONE)  # type: ignore[arg-type]  # as above
    assert (moved.path, moved.left_out) == (None, ())
    pipe = _Forward(bytes(again.taken))
    assert opened(pipe, PASSWORD) == content  # type: ignore[arg-type]  # as above
    assert not any(stream.closed for stream in (source, sink, again, pipe))


def test_streams_are_read_from_where_they_stand(tmp_path: Path) -> None:
    """What came before in the same stream is nobody's business."""
    source = io.BytesIO(b"beforeTere")
    source.seek(6)
    box = io.BytesIO(b"before")
    box.seek(6)
    encrypt([File("a.txt", source), File("b.txt", b"")], PASSWORD, box, config=NONE)
    box.seek(6)
    assert inspect(box, config=NONE)[0].who == "password, hint: archive"
    box.seek(6)
    assert [(file.name, file.size) for file in list_files(box, PASSWORD, config=NONE).files] == [
        *(("a.txt", 4), ("b.txt", 0)),
    ]


def test_streams_that_will_not_do(letter: Path, tmp_path: Path) -> None:
    """Text instead of bytes, or nobody knows how many: said before anything is written."""
    text = io.StringIO("Tere")
    for call in (
        lambda: encrypt(File("a", text), PASSWORD, tmp_path / "a", config=NONE),  # type: ignore[arg-type]  # the mistake
        lambda: encrypt(letter, PASSWORD, text, config=NONE),  # type: ignore[arg-type]  # the mistake
        lambda: inspect(text, config=NONE),  # type: ignore[arg-type]  # the mistake
        lambda: encrypt(File("a", _Forward(b"Tere")), PASSWORD, tmp_path / "a", config=NONE),  # type: ignore[arg-type]  # as above
    ):
        with pytest.raises(UsageError):
            call()
    assert not (tmp_path / "a").exists()


def test_a_wrong_size_is_noticed(tmp_path: Path) -> None:
    """A stream with more or fewer bytes than was said makes no container."""
    for size in (3, 5):
        with pytest.raises(InvalidInputError, match="became"):
            encrypt(File("a", io.BytesIO(b"Tere"), size), PASSWORD, tmp_path / "a.cdoc2", config=NONE)
        with pytest.raises(InvalidInputError, match="became"):
            encrypt(File("a", io.BytesIO(b"Tere"), size), PASSWORD, io.BytesIO(), config=NONE)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_breaks_tells_its_own_error(letter: Path) -> None:
    """A full disk behind a caller's stream is the caller's, and nothing more is written to it."""

    class Full(_Forward):
        def write(self, data: object, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        encrypt(letter, PASSWORD, Full(), config=NONE)  # type: ignore[arg-type]  # a raw stream is one


def test_progress_is_a_sum_and_an_end(letter: Path, tmp_path: Path) -> None:
    """It grows to the total, which a stream that cannot seek does not have."""
    told: list[tuple[int, int | None]] = []

    def tell(done: int, total: int | None) -> None:
        told.append((done, total))

    box = tmp_path / "a.cdoc2"
    encrypt(letter, PASSWORD, box, config=NONE, progress=tell)
    assert told[-1] == (6000, 6000)
    decrypt(box, PASSWORD, config=NONE, progress=tell)
    assert told[-1][0] == told[-1][1]
    decrypt(_Forward(box.read_bytes()), PASSWORD, config=NONE, progress=tell)  # type: ignore[arg-type]  # a raw stream is one
    assert told[-1][1] is None


def test_an_error_of_the_progress_stops_and_undoes(letter: Path, tmp_path: Path) -> None:
    """Whatever the callback raises comes out again, and no file is left."""

    def fail(done: int, total: int | None) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        encrypt(letter, PASSWORD, tmp_path / "a.cdoc2", config=NONE, progress=fail)
    assert list(tmp_path.iterdir()) == [letter]


def test_memory_has_an_end(tmp_path: Path) -> None:
    """A container that unpacks to more than memory takes is refused, with the way out."""
    big = _Zeros(MAX_MEMORY_BYTES + 1)
    box = tmp_path / "a.cdoc2"
    encrypt(File("zeros", big, MAX_MEMORY_BYTES + 1), PASSWORD, box, config=NONE)  # type: ignore[arg-type]  # a raw stream is one
    with pytest.raises(OutputError, match="name a folder"):
        decrypt(box, PASSWORD, config=NONE)
    small = list_files(box, PASSWORD, config=NONE).files
    assert [file.size for file in small] == [MAX_MEMORY_BYTES + 1]


class _Zeros(_Forward):
    """Many zeros that nobody has to keep."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    def read(self, size: int = -1, /) -> bytes:
        count = min(size, self._left)
        self._left -= count
        return bytes(count)


def test_nothing_appears_of_a_damaged_container(letter: Path, tmp_path: Path) -> None:
    """Neither in a folder nor in memory; and what exists is replaced only if that was said."""
    box, out = tmp_path / "a.cdoc2", tmp_path / "out"
    encrypt(letter, PASSWORD, box, config=NONE)
    decrypt(box, PASSWORD, out, config=NONE)
    with pytest.raises(OutputExistsError):
        decrypt(box, PASSWORD, out, config=NONE)
    decrypt(box, PASSWORD, str(out), config=NONE, only="letter.txt", overwrite=True)
    data = bytearray(box.read_bytes())
    data[-1] ^= 1
    for target in (None, tmp_path / "bad"):
        with pytest.raises(DamagedContainerError):
            decrypt(io.BytesIO(data), PASSWORD, target, config=NONE)
    assert not (tmp_path / "bad").exists()


def test_the_configuration_in_force_is_found(
    letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command finds it: by path, by variable, in the current folder; its limits hold."""
    box = tmp_path / "a.cdoc2"
    encrypt(letter, PASSWORD, box, config=NONE)
    narrow = tmp_path / "osak.yaml"
    narrow.write_text("limits: {max_output_bytes: 100}\n")
    with pytest.raises(DamagedContainerError, match="max_output_bytes"):
        decrypt(box, PASSWORD, config=narrow)
    monkeypatch.setenv("OSAK_CONFIG", str(narrow))
    with pytest.raises(DamagedContainerError, match="max_output_bytes"):
        decrypt(box, PASSWORD)
    monkeypatch.delenv("OSAK_CONFIG")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DamagedContainerError, match="max_output_bytes"):
        decrypt(box, PASSWORD)
    narrow.unlink()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert len(decrypt(box, PASSWORD).files) == 1


def test_secrets_are_not_shown() -> None:
    """Neither recipients nor credentials repeat what they keep."""
    for value in (
        PASSWORD,
        Secret(b"0123456789"),
        PKCS12("me.p12", "Kui-Arno"),
        PrivateKey(b"0123456789", "Kui-Arno"),
    ):
        assert "Kui-Arno" not in repr(value)
        assert "0123456789" not in repr(value)


def test_threads_do_not_mind_each_other(letter: Path, tmp_path: Path) -> None:
    """Called from several threads at once, each call does its own work."""
    boxes = [tmp_path / f"{number}.cdoc2" for number in range(4)]
    threads = [
        threading.Thread(target=encrypt, args=(letter, PASSWORD, box), kwargs={"config": NONE})
        for box in boxes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(opened(box, PASSWORD) for box in boxes)
