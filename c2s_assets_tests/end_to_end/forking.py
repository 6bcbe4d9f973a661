"""Runs a function in a fork of this process, within limits, and says how that ended (Linux)."""

import faulthandler
import gc
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# On top of what the parent has mapped. Above the 2 GiB of a survey: threads and allocators reserve more than
# they use.
_MEMORY_BYTES = 4 * 2**30
_RAISED = 70


@dataclass(frozen=True)
class Ending:
    """How a fork ended.

    Attributes
    ----------
    told
        What the function told, in order, whether it came to its end or not.
    said
        What it printed.
    problem
        Why it did not come there: a signal, a traceback, or that its time was over; None if it did.
    seconds
        Of processor time, with what it started.
    peak_bytes
        Of memory of the largest process, in which that of the parent is counted where it is shared.
    """

    told: list[Any]
    said: str
    problem: str | None
    seconds: float
    peak_bytes: int


def threads() -> list[str]:
    """Name the threads of this process besides the first: a fork has none of them."""
    tasks = Path("/proc/self/task")
    others = [task for task in tasks.iterdir() if int(task.name) != os.getpid()]
    return [(task / "comm").read_text().strip() for task in others]


def run_forked(
    function: Callable[[Callable[[Any], None]], None], *, folder: Path, timeout_seconds: float
) -> Ending:
    """Call a function in a fork of this process.

    Parameters
    ----------
    function
        Is given a function that tells the parent something that JSON can hold.
    folder
        Gets what the fork tells, and prints. It is where a fork that prints or crashes leaves its words.
    """
    told, said = folder / "told.jsonl", folder / "said.txt"
    gc.freeze()  # what is here already is not copied by a collection of the fork
    child = os.fork()
    if not child:
        _be_forked(function, told, said, timeout_seconds)
    is_in_time = _wait(child, timeout_seconds)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    words = said.read_text(errors="backslashreplace") if said.exists() else ""
    problem = None
    if not is_in_time:
        problem = f"not done after {timeout_seconds:,.0f} s: {words[-3000:]}"
    elif code < 0:
        problem = f"ended by {signal.Signals(-code).name}: {words[-3000:]}"
    elif code > 0:
        problem = words[-6000:] or f"ended with exit code {code}"
    lines = told.read_text().splitlines() if told.exists() else []
    for path in (told, said):
        path.unlink(missing_ok=True)
    return Ending(
        told=[json.loads(line) for line in lines],
        said=words,
        problem=problem,
        seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * 1024,
    )


def _be_forked(
    function: Callable[[Callable[[Any], None]], None], told: Path, said: Path, seconds: float
) -> None:
    """Call the function and end, whatever happens: nothing of the parent is to go on in here."""
    code = _RAISED
    try:
        os.setsid()
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(output, stream)
        # pytest may have put something else there.
        sys.stdout, sys.stderr = (os.fdopen(stream, "w", buffering=1, closefd=False) for stream in (1, 2))
        faulthandler.enable(output)
        limit_memory(int(seconds))
        with told.open("w") as lines:

            def tell(something: Any) -> None:
                lines.write(json.dumps(something) + "\n")
                lines.flush()

            function(tell)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def limit_memory(seconds: int) -> None:
    """Bound memory and processor time of this process from now on."""
    in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _MEMORY_BYTES,) * 2)


def _wait(child: int, seconds: float) -> bool:
    """Wait for a fork; end it, and what it started, if it takes too long."""
    waited = os.pidfd_open(child)
    try:
        is_in_time = bool(select.select([waited], [], [], seconds)[0])
    finally:
        os.close(waited)
    if not is_in_time:
        os.killpg(child, signal.SIGKILL)
    return is_in_time
