"""Has a file read in a process of its own, which it may end, and says in words how that went."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2s_assets.core import errors
from c2s_assets.core.errors import NotAnH5adError, SourceError, UnsafeFileError

_ANSWERING = "c2s_assets.storage.h5ad.answering"
# A disk may be slow and a machine busy, but not for ever.
_PATIENCE = 10
_LAST_WORDS = 500


@dataclass(frozen=True)
class Ending:
    """How the process that was asked ended, a signal being negative, and what it said."""

    status: int
    said: str


def ask_apart(path: Path, module: str, *arguments: str, seconds: int) -> dict[str, Any]:
    """Let a process of its own read a file, and return what it tells.

    Parameters
    ----------
    module
        Is run with the path, `seconds` and the arguments; limits itself, and tells as `rehearsal` does.
    seconds
        Of processor time.

    Raises
    ------
    SourceError
        Whatever it finds wrong.
    UnsafeFileError, NotAnH5adError
        If reading the file ends the process, see `survey_h5ad`.
    """
    identity = identity_of(path)
    try:
        answer = ask(module, str(path.absolute()), str(seconds), *arguments, timeout=seconds * _PATIENCE)
    except TimeoutError as error:
        raise UnsafeFileError(
            f"{path.name} was not read after {seconds * _PATIENCE:,} s. {_WAY_OUT}"
        ) from error
    if identity_of(path) != identity:
        raise NotAnH5adError(
            f"{path} changed while it was read. Wait until it is copied as a whole, then try again."
        )
    if answer.status < 0:
        raise UnsafeFileError(_say_how_it_died(path, signal.Signals(-answer.status), seconds=seconds))
    if answer.status > 0:
        last = answer.said.strip().rpartition("\n")[2][-_LAST_WORDS:]
        raise NotAnH5adError(
            f"{path.name} cannot be surveyed ({last}). The file is damaged, or holds what no AnnData file "
            "does; fetch it again, or write it again with anndata."
        )
    told: dict[str, Any] = json.loads(answer.said)
    if "error" in told:
        raise _refusal(told["error"], told["message"])
    return told


def ask(module: str, *arguments: str, timeout: float) -> Ending:
    """Call `main` of a module with a path, seconds and others, in a process that may end in it.

    Raises
    ------
    TimeoutError
        If there is no answer in time.
    """
    idle = _IDLE.setdefault(os.getpid(), [])
    waiting = idle.pop() if idle else _Waiting()
    answer = waiting.ask(module, arguments, timeout=timeout)
    if waiting.is_alive:
        idle.append(waiting)
    return answer


class _Waiting:
    """A process that answers one question after the other, each in a fork of itself; see `answering`."""

    def __init__(self) -> None:
        # -P: what lies in the working directory is not imported, whatever it is called.
        self._process = subprocess.Popen(  # noqa: S603 - our own module, without a shell
            [sys.executable, "-P", "-m", _ANSWERING],
            env=os.environ | {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # so that it ends with what it has forked
        )

    def ask(self, module: str, arguments: tuple[str, ...], *, timeout: float) -> Ending:
        """Ask; if there is no answer, whatever the reason, the process ends."""
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None and answers is not None  # noqa: PT018, S101
        line = b""
        try:
            with suppress(BrokenPipeError):
                questions.write(json.dumps({"module": module, "arguments": arguments}).encode() + b"\n")
                questions.flush()
            is_in_time = bool(select.select([answers], [], [], timeout)[0])
            line = answers.readline() if is_in_time else b""
        finally:
            if not line:
                self.end()
        if not is_in_time:
            raise TimeoutError
        if not line:
            return Ending(self._process.returncode or 1, "the process that reads files ended")
        return Ending(**json.loads(line))

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.returncode is None

    def end(self) -> None:
        """End the process, and what it has forked."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101
            with suppress(BrokenPipeError):
                pipe.close()
        self._process.wait()


# Starting one takes half a second of processor time, asking it a fiftieth; threads that ask at once have one
# each. By process, because a fork would share the pipes, and take answers to what it did not ask.
_IDLE: dict[int, list[_Waiting]] = {}


@atexit.register
def _end_all() -> None:
    for waiting in _IDLE.pop(os.getpid(), []):
        waiting.end()


def identity_of(path: Path) -> tuple[int, int, int]:
    """Return inode, size and time of change of a file: another file, or other content, has others."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


_WAY_OUT = (
    "The file is damaged, or made so, and nothing was taken from it. Fetch it again; if that does not help, "
    "open it where it was made and write it again with anndata."
)


def _say_how_it_died(path: Path, died: signal.Signals, *, seconds: int) -> str:
    match died:
        case signal.SIGXCPU:
            return f"{path.name} takes more than {seconds:,} s of processor time to read. {_WAY_OUT}"
        case signal.SIGKILL:
            return (
                f"the system ended the process that read {path.name}, as it does where memory is short. Free "
                f"some and try again. If it happens again: {_WAY_OUT[0].lower()}{_WAY_OUT[1:]}"
            )
        case signal.SIGABRT:
            return f"{path.name} takes too much memory to read, or crashes the HDF5 library. {_WAY_OUT}"
        case _:
            return f"{path.name} crashes the HDF5 library ({died.name}). {_WAY_OUT}"


def _refusal(name: str, message: str) -> SourceError:
    kind: type[SourceError] = getattr(errors, name)
    return kind(message)
