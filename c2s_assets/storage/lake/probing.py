"""What a shared folder has to be able to do before several processes or machines may work on a lake in it."""

import errno
import fcntl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from c2s_assets.core.errors import LakeError
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.presence import HOW_TO_SHARE
from c2s_assets.storage.lake.staging import sync

# Another process says whether it could lock a file that this one has locked.
_TRY = (
    "import fcntl, sys\n"
    "with open(sys.argv[2], 'r+') as file:\n"
    "    try:\n"
    "        getattr(fcntl, sys.argv[1])(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "    except BlockingIOError:\n"
    "        sys.exit(3)\n"
)
_HELD = 3
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def require_sharing(layout: Layout) -> None:
    """Refuse to share a lake in a folder that cannot do what keeps tables whole.

    What one machine cannot find out alone, `presence` does: whether others see its locks.

    Raises
    ------
    LakeError
        Naming all that it cannot do.
    """
    layout.staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=layout.staging, prefix="probe-") as name:
        cannot = [said for said, can in _ABILITIES.items() if not can(Path(name))]
    if cannot:
        raise LakeError(
            f"{layout.root}: this folder cannot {'; nor '.join(cannot)}. Several workers would overwrite "
            f"each other's tables there. {HOW_TO_SHARE}"
        )


def _locks_whole_files(folder: Path) -> bool:
    return _locks(folder, "flock")


def _locks_ranges(folder: Path) -> bool:
    return _locks(folder, "lockf")


def _locks(folder: Path, how: str) -> bool:
    path = folder / how
    with path.open("w") as file:
        try:
            getattr(fcntl, how)(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return False
            raise
        tried = subprocess.run([sys.executable, "-c", _TRY, how, str(path)], check=False)  # noqa: S603
    return tried.returncode == _HELD


def _replaces(folder: Path) -> bool:
    old, new = folder / "old", folder / "new"
    old.write_text("old")
    new.write_text("new")
    with old.open() as reader:
        new.replace(old)
        return old.read_text() == "new" and reader.read() == "old"


def _syncs(folder: Path) -> bool:
    try:
        sync(folder)
    except OSError as error:
        if error.errno in (errno.EINVAL, *_UNSUPPORTED):
            return False
        raise
    return True


_ABILITIES: Mapping[str, Callable[[Path], bool]] = {
    "let one process wait for another (flock)": _locks_whole_files,
    "lock a database (fcntl)": _locks_ranges,
    "replace a file that is being read (rename)": _replaces,
    "say when a file is safe on its disk (fsync of a folder)": _syncs,
}
