"""The files that batches are read from, which must stay those that their order was made of."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from c2s_assets.core.errors import MissingInputError


@dataclass(frozen=True)
class SameFile:
    """A file as it was when it was found."""

    path: Path
    identity: tuple[int, int, int]

    @classmethod
    def of(cls, path: Path) -> "SameFile":
        """Remember a file."""
        return cls(path, _identity(path.stat()))

    def open(self) -> BinaryIO:
        """Open the file to read it.

        Raises
        ------
        MissingInputError
            If it is not there any more, or another one is.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError as error:
            raise self._replaced() from error
        if _identity(os.fstat(file.fileno())) != self.identity:
            file.close()
            raise self._replaced()
        return file

    def _replaced(self) -> MissingInputError:
        return MissingInputError(
            f"{self.path} was built anew since these batches were made. Make them again; they come in "
            f"another order then."
        )


def _identity(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
