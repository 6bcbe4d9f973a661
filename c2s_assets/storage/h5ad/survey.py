"""Lets a process of its own read what HDF5 must read, so that a file that crashes HDF5 crashes only that."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py

from c2s_assets.core import errors
from c2s_assets.core.errors import NotAnH5adError, SourceError, UnsafeFileError
from c2s_assets.storage.h5ad.kinds import Contents, Kind
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits

# To be raised when the rehearsal asks HDF5 for more than it did: files that went through an earlier one are
# surveyed again. Another release of the library is crashed by other files.
SURVEYED_BY = f"1, HDF5 {h5py.version.hdf5_version}"

_REHEARSAL = "c2s_assets.storage.h5ad.rehearsal"
# Of processor time; both are estimates, which no file of 10 million cells has tried yet.
_MIN_SECONDS = 40
_BYTES_PER_SECOND = 10 * 2**20
# A disk may be slow and a machine busy, but not for ever.
_PATIENCE = 10
_LAST_WORDS = 500


@dataclass(frozen=True)
class Survey:
    """A file that was read without harm: what it holds, and what it was then."""

    n_obs: int
    n_vars: int
    identity: tuple[int, int, int]


def survey_hdf5(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Survey | Contents:
    """Do as `survey_h5ad` does; of another format of cells by features, tell what it is, and no more."""
    seconds = _MIN_SECONDS + path.stat().st_size // _BYTES_PER_SECOND
    told = ask_apart(path, _REHEARSAL, json.dumps(asdict(limits)), seconds=seconds)
    if "kind" in told and told["kind"] != Kind.H5AD:
        return Contents(Kind(told["kind"]), tuple(told["parts"]))
    return Survey(n_obs=told["n_obs"], n_vars=told["n_vars"], identity=identity_of(path))


def survey_h5ad(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Survey:
    """Read everything of a file that later steps ask HDF5 for, in a process of its own.

    HDF5 believes much of what a file says of itself: a damaged heap, message or chunk ends the process that
    reads it. What a rehearsal has survived, the steps that follow survive too: they ask for the same bytes.
    `limits` are what the file may claim.

    Raises
    ------
    SourceError
        Whatever `source.open_h5ad` finds wrong.
    UnsafeFileError
        If reading the file ends the process, or takes too much memory or time.
    NotAnH5adError
        If the file changes while it is read, or holds what no AnnData file does.
    """
    found = survey_hdf5(path, limits=limits)
    if isinstance(found, Contents):
        raise NotAnH5adError(
            f"{path.name} is a {found.kind}, not an h5ad. Take it away from there, and have one made with: "
            f"c2s add PATH."
        )
    return found


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
    done = _run(path, module, arguments, seconds=seconds)
    if identity_of(path) != identity:
        raise NotAnH5adError(
            f"{path} changed while it was read. Wait until it is copied as a whole, then try again."
        )
    if done.returncode < 0:
        raise UnsafeFileError(_say_how_it_died(path, signal.Signals(-done.returncode), seconds=seconds))
    if done.returncode > 0:
        last = done.stderr.strip().rpartition("\n")[2][-_LAST_WORDS:]
        raise NotAnH5adError(
            f"{path.name} cannot be surveyed ({last}). The file is damaged, or holds what no AnnData file "
            "does; fetch it again, or write it again with anndata."
        )
    told: dict[str, Any] = json.loads(done.stdout)
    if "error" in told:
        raise _refusal(told["error"], told["message"])
    return told


def identity_of(path: Path) -> tuple[int, int, int]:
    """Return inode, size and time of change of a file: another file, or other content, has others."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _run(
    path: Path, module: str, arguments: Sequence[str], *, seconds: int
) -> subprocess.CompletedProcess[str]:
    # -P: what lies in the working directory is not imported, whatever it is called.
    command = [sys.executable, "-P", "-m", module, str(path.absolute()), str(seconds), *arguments]
    try:
        return subprocess.run(  # noqa: S603 - our own module, without a shell
            command,
            env=os.environ | {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=seconds * _PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnsafeFileError(
            f"{path.name} was not read after {seconds * _PATIENCE:,} s. {_WAY_OUT}"
        ) from error


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
