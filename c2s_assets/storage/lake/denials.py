"""What the machine denies us, in words: room on a disk, the right to write, a folder that is gone."""

import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from c2s_assets.core.errors import MachineError

_LEAST_BYTES = 2**20


@dataclass(frozen=True)
class Denial:
    """One thing that a machine denies.

    Attributes
    ----------
    numbers
        Of the system's errors.
    words
        In messages of libraries that hand on no number.
    found
        What is said of the place, after its name.
    advice
        What to do.
    """

    numbers: frozenset[int]
    words: str
    found: str
    advice: str

    def says(self, error: BaseException) -> bool:
        """Whether an error, without those that it came of, is about this."""
        is_numbered = isinstance(error, OSError) and error.errno in self.numbers
        return is_numbered or (bool(self.words) and re.search(self.words, str(error)) is not None)


DENIALS: Mapping[str, Denial] = {
    "full": Denial(
        frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG}),
        r"No space left on device|Disk quota exceeded|database or disk is full|File too large",
        "there is no room left",
        "What was begun is removed, and what was published is whole. Free some space, then run it again.",
    ),
    "read-only": Denial(
        frozenset({errno.EROFS}),
        r"Read-only file system|readonly database",
        "nothing can be written",
        "Have the disk mounted for writing, or name another folder in $C2S_LAKE.",
    ),
    "forbidden": Denial(
        frozenset({errno.EACCES, errno.EPERM}),
        r"Permission denied",
        "you have no right to do this",
        "Have its owner give you the right to read and write it, or name another folder in $C2S_LAKE.",
    ),
    "no folder": Denial(
        frozenset({errno.ENOTDIR, errno.EEXIST}),
        r"Not a directory",
        "there is a file where a folder has to be",
        "Move it away, or name another folder in $C2S_LAKE.",
    ),
    "no file": Denial(
        frozenset({errno.EISDIR}),
        r"Is a directory",
        "there is a folder where a file has to be",
        "Move it away, then run it again.",
    ),
    "gone": Denial(
        frozenset({errno.ENOENT, errno.ESTALE, errno.ENODEV, errno.ENOTCONN}),
        r"unable to open database file|Stale file handle",
        "the folder is gone",
        "See whether its disk is mounted, or name another folder in $C2S_LAKE.",
    ),
    "locked": Denial(
        frozenset({errno.EAGAIN, errno.ENOLCK}),
        r"database is locked|Could not set lock on file",
        "another program has locked it",
        "Wait until that has ended, or stop it, then run it again.",
    ),
    "damaged": Denial(
        frozenset({errno.EIO}),
        r"disk I/O error|database disk image is malformed|file is not a database",
        "it cannot be read",
        "The file is damaged, or is none of ours. Take it from a backup, or move it away.",
    ),
    "too many": Denial(
        frozenset({errno.EMFILE, errno.ENFILE}),
        r"Too many open files",
        "too many files are open",
        "Raise the limit with ulimit -n, or stop other programs, then run it again.",
    ),
    "no memory": Denial(
        frozenset({errno.ENOMEM}),
        r"Cannot allocate memory",
        "there is no memory left",
        "Stop other programs, or let fewer builds run at once, then run it again.",
    ),
}


def machine_error(error: BaseException, lake: Path) -> MachineError | None:
    """Say in words what the machine denied; None if an error is about something else.

    A file that is missing is that only where the lake itself is: otherwise it is a fault of ours.
    """
    for one in _chain(error):
        for kind, denial in DENIALS.items():
            if denial.says(one) and (kind != "gone" or not lake.exists()):
                place = lake if kind == "gone" else _place(one) or lake
                # SQLite says of a full disk that it cannot be read.
                meant = DENIALS["full"] if kind == "damaged" and _is_full(lake) else denial
                return MachineError(f"{place}: {meant.found} ({_said(one)}). {meant.advice}")
    return None


def _is_full(lake: Path) -> bool:
    return lake.exists() and shutil.disk_usage(lake).free < _LEAST_BYTES


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error, and what it came of, the first cause first."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and one not in found:
            found.append(one)
            # SQLAlchemy keeps the error of the database apart.
            left += [one.__context__, one.__cause__, getattr(one, "orig", None)]
    yield from reversed(found)


def _place(error: BaseException) -> str | None:
    name = getattr(error, "filename2", None) or getattr(error, "filename", None)
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else None


def _said(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error).strip().partition("\n")[0].rstrip(".")
