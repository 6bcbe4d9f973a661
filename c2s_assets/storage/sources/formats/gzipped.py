"""Reads and inflates files that were compressed as a whole with gzip."""

import gzip
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError
from c2s_assets.storage.sources.formats.signatures import GZIP

_PIECE_BYTES = 2**20
# An uncompressed h5ad shrinks to a tenth or a twentieth; DEFLATE inflates zeros a thousandfold.
MAX_INFLATION = 100
MAX_UNPROVEN_BYTES = 2**30


@contextmanager
def open_inflated(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read its bytes, inflated if they are compressed, whatever its name says.

    Raises
    ------
    NotAnH5adError
        If it is damaged, also while it is read.
    """
    with path.open("rb") as plain:
        is_compressed = plain.read(len(GZIP)) == GZIP
        plain.seek(0)
        if not is_compressed:
            yield plain
            return
        try:
            with gzip.GzipFile(fileobj=plain) as inflated:
                yield cast(IO[bytes], inflated)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise NotAnH5adError(
                f"{path.name} is compressed with gzip, and damaged or incomplete ({error}). Fetch it again."
            ) from error


def inflate(path: Path, target: Path) -> None:
    """Write what a file holds.

    Raises
    ------
    NotAnH5adError
        If it is damaged.
    UnsafeFileError
        If it is larger than `MAX_INFLATION` times the compressed file and a gigabyte, or than the disk.
    """
    most = max(MAX_UNPROVEN_BYTES, MAX_INFLATION * path.stat().st_size)
    most = min(most, shutil.disk_usage(target.parent).free)
    n_bytes = 0
    with open_inflated(path) as inflated, target.open("wb") as file:
        while piece := inflated.read(_PIECE_BYTES):
            n_bytes += len(piece)
            if n_bytes > most:
                raise UnsafeFileError(
                    f"{path.name} inflates to over {most:,} bytes, {MAX_INFLATION} times its size or all "
                    f"the room on the disk. If you trust it, inflate it with gunzip and add the h5ad."
                )
            file.write(piece)
