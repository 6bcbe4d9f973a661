"""Lets a process of its own read what HDF5 must read, so that a file that crashes HDF5 crashes only that."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad.apart import ask_apart, identity_of
from c2s_assets.storage.h5ad.kinds import Contents, Kind
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits

# To be raised when the rehearsal asks HDF5 for more than it did: files that went through an earlier one are
# surveyed again. Another release of the library is crashed by other files.
SURVEYED_BY = f"1, HDF5 {h5py.version.hdf5_version}"

_REHEARSAL = "c2s_assets.storage.h5ad.rehearsal"
# Of processor time; both are estimates, which no file of 10 million cells has tried yet.
_MIN_SECONDS = 40
_BYTES_PER_SECOND = 10 * 2**20


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
