# SPDX-License-Identifier: MIT
"""One task of the container bench, in a process of its own: ``container_task.py TASK FOLDER``.

Prints one JSON object: seconds of the work itself, bytes written, and the process's peak memory.
"""

import json
import resource
import shutil
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PIECE_BYTES = 2**20


def keys(folder: Path) -> None:
    """Make the recipient: a P-384 key, which every implementation takes, and a certificate."""
    import datetime as dt  # noqa: PLC0415 - the task alone pays for it

    from cryptography import x509  # noqa: PLC0415 - the task alone pays for it
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - the task alone pays for it
    from cryptography.hazmat.primitives.hashes import SHA384  # noqa: PLC0415 - the task alone pays for it
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415 - the task alone pays for it

    key, now = ec.generate_private_key(ec.SECP384R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, SHA384())
    )
    (folder / "cert.der").write_bytes(certificate.public_bytes(Encoding.DER))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)


def inputs(folder: Path) -> list[Path]:
    """The files to work on."""
    return sorted((folder / "in").iterdir())


def encrypt(folder: Path, compression: str = "fast") -> Callable[[], object]:
    """Ours."""
    from osak.client.config import ClientConfig  # noqa: PLC0415 - the task alone pays for it
    from osak.client.container import Compression, PublicKeyRecipient  # noqa: PLC0415 - the task alone pays for it
    from osak.client.encryption import encrypt_files  # noqa: PLC0415 - the task alone pays for it
    from osak.client.identity.files import load_recipient_key  # noqa: PLC0415 - the task alone pays for it

    key = load_recipient_key((folder / "cert.der").read_bytes())
    recipient = PublicKeyRecipient(key, file_name="cert.der")
    files, output, config = inputs(folder), folder / "out", ClientConfig()
    packing = Compression(compression)
    return lambda: encrypt_files(
        files, output, [recipient], [], config=config, overwrite=True, compression=packing
    )


def encrypt_best(folder: Path) -> Callable[[], object]:
    """Ours with ``--compress best``."""
    return encrypt(folder, "best")


def pycdoc(folder: Path) -> Callable[[], object]:
    """The C++ peer."""
    import pycdoc as peer  # noqa: PLC0415 - the task alone pays for it

    certificate, files = (folder / "cert.der").read_bytes(), inputs(folder)

    def work() -> None:
        writer = peer.CDocWriter.create_writer(2, str(folder / "peer"), None, None, None)
        writer.add_recipient(peer.Recipient.make_certificate("bench", certificate))
        if writer.begin_encryption():
            raise RuntimeError("libcdoc does not take this recipient")
        for file in files:
            writer.add_file(file.name, file.stat().st_size)
            with file.open("rb") as source:
                while piece := source.read(_PIECE_BYTES):
                    writer.write_data(piece)
        writer.finish_encryption()
        del writer  # only now the file is closed and whole

    return work


def isal_deflate(folder: Path) -> Callable[[], object]:
    """Deflate at our level, file to file, and nothing else."""
    from isal import isal_zlib  # noqa: PLC0415 - the task alone pays for it

    def work() -> None:
        deflate = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 15)
        with (folder / "deflated").open("wb") as out:
            for file in inputs(folder):
                with file.open("rb") as source:
                    while piece := source.read(_PIECE_BYTES):
                        out.write(deflate.compress(piece))
            out.write(deflate.flush())

    return work


def decrypt(folder: Path) -> Callable[[], object]:
    """Ours, of what ``encrypt`` wrote."""
    from osak.client.config import ClientConfig  # noqa: PLC0415 - the task alone pays for it
    from osak.client.container import PrivateKeyUnlocker  # noqa: PLC0415 - the task alone pays for it
    from osak.client.decryption import decrypt_file  # noqa: PLC0415 - the task alone pays for it
    from osak.client.identity.files import load_private_key  # noqa: PLC0415 - the task alone pays for it
    from osak.client.keys import Keys  # noqa: PLC0415 - the task alone pays for it

    unlocker = PrivateKeyUnlocker(load_private_key((folder / "key.pem").read_bytes(), None))
    opened = folder / "opened"
    return lambda: decrypt_file(folder / "out", opened, Keys(unlocker), config=ClientConfig(), overwrite=True)


def isal_inflate(folder: Path) -> Callable[[], object]:
    """Inflate what ``isal_deflate`` wrote with isal, file to file."""
    from isal import isal_zlib  # noqa: PLC0415 - the task alone pays for it

    return lambda: _inflate(folder, isal_zlib.decompressobj())


def zlib_inflate(folder: Path) -> Callable[[], object]:
    """Inflate the same with zlib."""
    return lambda: _inflate(folder, zlib.decompressobj())


def _inflate(folder: Path, inflate: Any) -> None:
    with (folder / "deflated").open("rb") as source, (folder / "inflated").open("wb") as out:
        while piece := source.read(_PIECE_BYTES // 4):
            out.write(inflate.decompress(piece))
        out.write(inflate.flush())


TASKS = {
    "encrypt": (encrypt, "out"),
    "encrypt-best": (encrypt_best, "out"),
    "pycdoc": (pycdoc, "peer"),
    "isal-deflate": (isal_deflate, "deflated"),
    "decrypt": (decrypt, "opened"),
    "isal-inflate": (isal_inflate, "inflated"),
    "zlib-inflate": (zlib_inflate, "inflated"),
}


def _remove(written: Path) -> None:
    if written.is_dir():
        shutil.rmtree(written)
    written.unlink(missing_ok=True)


def main(task: str, folder: Path) -> None:
    """Prepare a task, time its work, tell."""
    if task == "keys":
        keys(folder)
        print("{}")  # noqa: T201 - read by the bench
        return
    prepare, written = TASKS[task]
    work = prepare(folder)
    _remove(folder / written)  # to remove an older one is not the work measured
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"seconds": seconds, "bytes": (folder / written).stat().st_size, "rss_mib": rss_mib}
    print(json.dumps(facts))  # noqa: T201 - read by the bench


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
