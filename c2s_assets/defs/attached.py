"""Runs a module as `python -m` does, and ends when `c2s ui` has ended, however that came.

`c2s ui` keeps one end of a pipe to itself. Its daemon, and the runs that the daemon starts, have the other
end and are told by the system when the first is gone, even if `c2s ui` was killed. `forking` starts them.
"""

import os
import runpy
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from c2s_assets.defs.logs import keep_tracebacks

_PIPE = "C2S_UI_PIPE"
# For a run to end the step that it is in, each time that it is asked.
_GRACE_SECONDS = 5


def attach_to(pipe: int) -> dict[str, str]:
    """Return the environment of a process that is to end when the other end of a pipe is closed."""
    return {_PIPE: str(pipe)}


def watched() -> list[int]:
    """Give the pipe that this process was attached to, if it was, for those that it starts."""
    pipe = os.environ.get(_PIPE)
    return [] if pipe is None else [int(pipe)]


def be_called(name: str) -> None:
    """Have `ps -e` and `top` show its first eleven letters, behind "c2s", where a process can choose that."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(f"c2s {name}")


def main() -> None:
    """Run, under the name that comes first, the module that the arguments name, with the others."""
    be_called(sys.argv[1])
    # A script that starts something with & has it ignore the one; the pipe tells of what the other does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.unraisablehook = _tell_of_errors
    keep_tracebacks()
    del sys.argv[:2]
    try:
        for pipe in watched():  # it may be closed already
            threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _end_with(pipe: int) -> None:
    """Wait until the other end is closed; then stop, at first as Ctrl-C does, and once more.

    A run of Dagster 1.13 that is asked once goes on at times, with the request taken and forgotten.
    """
    os.read(pipe, 1)
    for how in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        os.kill(os.getpid(), how)
        time.sleep(_GRACE_SECONDS)


def _tell_of_errors(lost: "sys.UnraisableHookArgs") -> None:
    """Tell what was raised in a finalizer, where Python goes on; not of an interrupt, which comes twice."""
    if issubclass(lost.exc_type, Exception):
        sys.__unraisablehook__(lost)


if __name__ == "__main__":
    main()
