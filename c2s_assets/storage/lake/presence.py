"""Whether the machines that work on a lake see each other's locks, which only they can find out together.

Each process that builds holds the lock of a file in the lake, and touches it. A file that is touched
although its lock is free belongs to a machine whose locks are not seen from here.
"""

import fcntl
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from c2s_assets.core.errors import MachineError
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locks import lock_file

HOW_TO_SHARE = (
    "Mount the folder so that all machines see all locks (NFS 4 without nolock and local_lock, Lustre with "
    "flock), or build on one machine, with c2s ui alone."
)
_BEAT_SECONDS = 2.0
# What a client of NFS may keep to itself of a file's attributes is 3 s where that changes often.
_SILENT_SECONDS = 10.0
# Of Linux: another one each time that a kernel starts, and the same in all its containers.
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@contextmanager
def present(layout: Layout) -> Iterator[None]:
    """Let other machines see in the block that this process works on the lake, and see whether they do.

    Raises
    ------
    MachineError
        If a machine works on it whose locks cannot be seen.
    """
    folder = layout.presence
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{_here()}~{secrets.token_hex(8)}"
    file, has_ended = _held(own), threading.Event()
    beating = threading.Thread(target=_beat, args=(own, has_ended), daemon=True)
    try:
        for other in sorted(folder.glob("*~*")):
            if other != own:
                _look_at(other, layout)
        beating.start()
        yield
    finally:
        has_ended.set()
        own.unlink(missing_ok=True)
        file.close()


@contextmanager
def beside_others(layout: Layout) -> Iterator[None]:
    """Be present in the block if others are; where nobody is, there is nobody to overwrite.

    `c2s ui` and workers are present while they live. For whatever else writes to the lake: commands, and runs
    in processes of their own, on whichever machine.

    Raises
    ------
    MachineError
        If a machine works on it whose locks cannot be seen.
    """
    if next(layout.presence.glob("*~*"), None) is None:
        yield
        return
    with present(layout):
        yield


def _held(path: Path) -> IO[str]:
    """Make a file that is locked before it has its name."""
    unnamed = path.with_name(f".{path.name}")
    file = lock_file(unnamed)
    unnamed.rename(path)
    return file


def _beat(path: Path, has_ended: threading.Event) -> None:
    while not has_ended.wait(_BEAT_SECONDS):
        try:
            os.utime(path)
        except OSError:  # the folder is away, and may come back
            continue


def _look_at(path: Path, layout: Layout) -> None:
    """Remove a file whose process is gone; refuse if that cannot be, because it is still touched."""
    try:
        with lock_file(path, mode="r+", flags=fcntl.LOCK_NB):
            first = _touched_at(path)
            # One kernel sees its own locks: there it is gone, and nobody has to wait.
            silence = 0.0 if path.name.startswith(f"{_here()}~") else _SILENT_SECONDS
            deadline = time.monotonic() + silence
            while time.monotonic() < deadline:
                time.sleep(_BEAT_SECONDS / 2)
                if _touched_at(path) != first:
                    raise MachineError(
                        f"{layout.root}: the machine {path.name.partition('~')[0]} works on this lake, and "
                        f"its locks are not seen from {socket.gethostname()}: both would write the same "
                        f"tables at once. {HOW_TO_SHARE}"
                    )
            path.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):  # it lives and its lock is seen, or it has just ended
        return


def _here() -> str:
    boot = _BOOT.read_text().strip() if _BOOT.exists() else secrets.token_hex(8)
    return f"{socket.gethostname()}~{boot}"


def _touched_at(path: Path) -> int:
    with path.open() as file:  # a client of NFS asks anew for what is opened
        return os.fstat(file.fileno()).st_mtime_ns
