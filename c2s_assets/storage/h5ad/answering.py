"""Waits for questions about files and answers each in a fork of itself; `python -m`, see `apart`.

One question a line, as JSON: the module to ask and the arguments of its `main`. One answer a line: how the
fork ended, and what it said. Only forks read files, so that this process, which is slow to start, lives on.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

# What nearly every question needs; a fork has it for nothing.
_IMPORTED = "c2s_assets.storage.h5ad.rehearsal"
_PIECE = 65_536


def main() -> None:
    """Answer until nobody can ask any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks says when to stop
    import_module(_IMPORTED)
    for line in sys.stdin.buffer:
        status, said = answer(**json.loads(line))
        sys.stdout.write(json.dumps({"status": status, "said": said}) + "\n")
        sys.stdout.flush()


def answer(module: str, arguments: Sequence[str]) -> tuple[int, str]:
    """Ask a module in a fork; return its exit status, a signal being negative, and what it printed."""
    heard, told = os.pipe()
    child = os.fork()
    if not child:
        _be_asked(module, arguments, told=told)
    os.close(told)
    pieces = []
    while piece := os.read(heard, _PIECE):
        pieces.append(piece)
    os.close(heard)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), b"".join(pieces).decode(errors="backslashreplace")


def _be_asked(module: str, arguments: Sequence[str], *, told: int) -> None:
    """Do what is asked, and end: nothing of the process that waits may go on in here."""
    status = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream, place in ((0, nowhere), (1, told), (2, nowhere)):
            os.dup2(place, stream)
        path, seconds, *others = arguments
        import_module(module).main(Path(path), int(seconds), *others)
        sys.stdout.flush()
        status = 0
    except BaseException as error:
        os.write(told, traceback.format_exception_only(error)[-1].strip().encode())
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
