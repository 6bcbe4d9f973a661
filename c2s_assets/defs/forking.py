"""Starts processes as forks of one that has loaded the assets, and has them end when `c2s ui` ends.

Loading Dagster and the assets takes three seconds of processor time, which every run would spend before it
begins; a fork has them loaded. Where there is nothing to fork (before Linux 5.3, on other systems, or because
it was killed) a process is started as any other.
"""

import atexit
import json
import multiprocessing
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from c2s_assets.core.loading import without_garbage
from c2s_assets.defs import attached

_ADDRESS = "C2S_UI_FORKS"
_LOADED = ("c2s_assets.definitions", "dagster._cli", "dagster._daemon.cli", "dagster._grpc.server")
# What nearly every run loads, a third of the processor time of a small one, and 200 MB: once the first has
# ended, so that a `c2s ui` that builds nothing does without.
_LOADED_LATER = (
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "umap", "openTSNE"),
    "c2s_assets.core.projections.neighbours",
)
_MOST_FILES = 8
_FORKS = multiprocessing.get_context("fork")


class Started(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """Its number."""

    def wait(self) -> int:
        """Wait until it has ended, and return its exit status; a signal is negative."""


class Lifeline:
    """What every process that is started holds the other end of: once it is cut, they end."""

    def __init__(self) -> None:
        self.held, self._own = os.pipe()
        self._is_cut = False

    def cut(self) -> None:
        """Have them end; in a fork, leave that to this process."""
        if not self._is_cut:
            self._is_cut = True
            os.close(self._own)

    def close(self) -> None:
        """Cut it, and hold the other end no more."""
        self.cut()
        os.close(self.held)


@contextmanager
def ready_to_fork() -> Iterator[Lifeline]:
    """Have a process load the assets and wait to be forked, until the lifeline or the block ends.

    To be entered before there are threads, and connections to databases, of which a fork would have a half.
    """
    with closing(Lifeline()) as lifeline:
        os.environ |= attached.attach_to(lifeline.held)
        if not _can_watch():
            yield lifeline
            return
        folder = tempfile.mkdtemp(prefix="c2s-")  # not one that is removed at the end of any fork
        try:
            _start_waiting(Path(folder) / "forks", lifeline)
            yield lifeline
        finally:
            shutil.rmtree(folder)


def start(
    name: str, command: Sequence[str], *, output: int | None = None, held: Sequence[int] = ()
) -> Started:
    """Run a module with its arguments in a process of its own that ends when `c2s ui` has ended.

    Parameters
    ----------
    name
        See `attached.be_called`.
    output
        What it writes to; None for where this process does.
    held
        Files that it has open for as long as it lives.
    """
    address = os.environ.get(_ADDRESS)
    if address is not None:
        with suppress(OSError):
            return _Forked(address, [name, *command], files=[output or 1, output or 2, *held])
    return subprocess.Popen(  # noqa: S603  our own words
        [sys.executable, "-m", attached.__name__, name, *command],
        pass_fds=[*held, *attached.watched()],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        process_group=0,
    )


class _Forked:
    """A process that another one has forked, which tells how it ended."""

    def __init__(self, address: str, arguments: Sequence[str], *, files: list[int]) -> None:
        asked = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address)
            socket.send_fds(connection, [b"\n"], files)
            self._told = connection.makefile("rw")
        self._told.write(json.dumps(asked) + "\n")
        self._told.flush()
        line = self._told.readline()
        if not line:
            raise ConnectionAbortedError(f"{address} did not fork")
        self.pid = int(line)
        try:
            self._lives: int | None = os.pidfd_open(self.pid)
        except OSError:  # it has ended, or no more files can be opened here
            self._lives = None

    def wait(self) -> int:
        """Wait for the process itself: what forked it may be killed before."""
        if self._lives is not None:
            select.select([self._lives], [], [])
            os.close(self._lives)
        with self._told:
            return int(self._told.readline() or 1)


def _can_watch() -> bool:
    """Whether the system tells of a process that is no child when it has ended, as Linux does since 5.3."""
    if not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _start_waiting(address: Path, lifeline: Lifeline) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        os.environ[_ADDRESS] = listener.getsockname()
        _FORKS.Process(target=_wait_to_be_forked, args=(listener, lifeline)).start()


def _wait_to_be_forked(listener: socket.socket, lifeline: Lifeline) -> None:
    lifeline.cut()  # so that only `c2s ui` holds its end
    os.setpgid(0, 0)
    attached.be_called("forks")
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with without_garbage():
        for module in _LOADED:
            import_module(module)
    has_all = False
    forked: dict[int, tuple[BaseProcess, socket.socket]] = {}
    while lifeline.held not in (ready := wait([listener, lifeline.held, *forked])):
        endings = [sentinel for sentinel in forked if sentinel in ready]
        for ended in endings:
            process, connection = forked.pop(ended)
            process.join()
            _tell(connection, process.exitcode)
            connection.close()
        if endings and not has_all:
            _load_later(lifeline)
            has_all = True
        if listener in ready:
            connection, _ = listener.accept()
            process = _fork(connection, others=[listener, *(other for _, other in forked.values())])
            forked[process.sentinel] = process, connection


def _load_later(lifeline: Lifeline) -> None:
    """Load what nearly every run loads; who uses it says what it warns of."""
    with _ending_with(lifeline), without_garbage(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _LOADED_LATER:
            with suppress(ImportError):  # of an extra that is not installed
                import_module(module)


@contextmanager
def _ending_with(lifeline: Lifeline) -> Iterator[None]:
    """End this process if the lifeline is cut before the block ends, after which no thread is left."""
    is_over, over = os.pipe()

    def watch() -> None:
        if lifeline.held in select.select([lifeline.held, is_over], [], [])[0]:
            os._exit(0)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        os.close(over)
        watching.join()
        os.close(is_over)


def _fork(connection: socket.socket, *, others: list[socket.socket]) -> BaseProcess:
    _, files, _, _ = socket.recv_fds(connection, 1, _MOST_FILES)
    with connection.makefile() as lines:
        asked = lines.readline()
    process = _FORKS.Process(target=_become, args=(asked, files), kwargs={"others": [*others, connection]})
    process.start()
    for file in files:
        os.close(file)
    _tell(connection, process.pid)
    return process


def _tell(connection: socket.socket, number: int | None) -> None:
    with suppress(OSError):  # who asked may have ended
        connection.sendall(f"{number}\n".encode())


def _become(line: str, files: list[int], *, others: list[socket.socket]) -> None:
    """Be the process that was asked for; its further files stay open."""
    asked = json.loads(line)
    os.setpgid(0, 0)
    for other in others:
        other.close()
    for stream, file in zip((1, 2), files, strict=False):
        os.dup2(file, stream)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = [attached.__name__, *asked["arguments"]]
    try:
        attached.main()
    finally:
        atexit._run_exitfuncs()  # multiprocessing ends a process without
