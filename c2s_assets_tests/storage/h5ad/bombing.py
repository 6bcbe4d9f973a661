"""Takes in a bomb of each class, says what it took: `python -m ... FOLDER small|large [CLASS ...]`.

What is measured is what `c2s add` and `raw_h5ad` do with a file, in a process of its own; those are forked
from one that has loaded the libraries, so that a class takes a fraction of a second.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from c2s_assets.storage.h5ad import rehearsal
from c2s_assets.storage.h5ad.limits import Limits
from c2s_assets_tests.bombs import BOMBS, write_bomb

_MOST_SECONDS = 60


def main(folder: Path, size: str, names: list[str]) -> None:
    """Print a line of JSON for each class."""
    path = folder / "bomb.h5ad"
    limits = json.dumps(asdict(Limits()))
    for name in names or BOMBS:
        _fork(lambda name=name: write_bomb(path, name, is_large=size == "large"), told=Path(os.devnull))
        told = folder / "told.json"
        code, seconds, peak_bytes = _fork(lambda: rehearsal.main(path, _MOST_SECONDS, limits), told=told)
        line = {
            "name": name,
            "file_bytes": path.stat().st_size,
            "exit_code": code,
            "seconds": round(seconds, 2),
            "peak_mb": peak_bytes // 2**20,
            "told": told.read_text(),
        }
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()
        path.unlink()


def _fork(work: Callable[[], object], *, told: Path) -> tuple[int, float, int]:
    """Do something in a child; return its exit code, seconds of processor time, and peak of memory."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        with told.open("w") as sys.stdout:
            work()
            sys.stdout.flush()
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    seconds = min(usage.ru_utime + usage.ru_stime, time.monotonic() - started)
    return os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
