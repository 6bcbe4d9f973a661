"""Which names may identify a dataset."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from c2s_assets.core.errors import InvalidDatasetIdError

_DATASET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LONGEST = 128
# What a file that `c2s add` takes can end in; none of it tells one dataset from another.
_ENDINGS = re.compile(r"\.(h5ad|h5mu|h5|hdf5|loom|zarr|mtx|zip|gz)$", re.IGNORECASE)


def check_dataset_id(dataset_id: str) -> str:
    """Return the id unchanged if a path may be made of it.

    Raises
    ------
    InvalidDatasetIdError
        Unless it is 1 to 128 letters, digits, dots, underscores and hyphens, starts with a letter or
        digit, and holds no "..".
    """
    if _DATASET_ID.fullmatch(dataset_id) is None or ".." in dataset_id:
        raise InvalidDatasetIdError(
            f"{_shown(dataset_id)} cannot be a dataset id. Use 1 to 128 letters, digits, '.', '_' or '-', "
            f"beginning with a letter or digit and without '..'."
        )
    return dataset_id


def dataset_id_of(name: str) -> str:
    """Derive the dataset id from the name of an h5ad: its last part without `.h5ad`.

    Raises
    ------
    InvalidDatasetIdError
        If what is left cannot be an id.
    """
    return check_dataset_id(PurePosixPath(name).name.removesuffix(".h5ad"))


def propose_dataset_id(name: str) -> str:
    """Make a dataset id of any file name: without its endings and accents, and `_` for what no id may hold.

    A name that is an id already stays as it is: ``My atlas é.h5ad`` becomes ``My_atlas_e``, and
    ``atlas-1.h5ad.gz`` becomes ``atlas-1``.

    Raises
    ------
    InvalidDatasetIdError
        If the name holds no letter and no digit that an id may begin with.
    """
    stem = PurePosixPath(name).name
    while (shorter := _ENDINGS.sub("", stem)) != stem:
        stem = shorter
    if _DATASET_ID.fullmatch(stem) and ".." not in stem:
        return stem
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    joined = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "_", plain))
    proposed = joined.lstrip("._-")[:_LONGEST].rstrip("._-")
    if not proposed:
        raise InvalidDatasetIdError(
            f"no dataset id can be made of the name {_shown(name)}. Give it one: --id NAME."
        )
    return check_dataset_id(proposed)


def nearest_id(name: str, known: Iterable[str]) -> str | None:
    """Find the id that may be meant by a name that is none; None if there is no such id.

    Ids with other numbers are other datasets rather than slips of the pen: sample1 is not meant by sample2.
    """
    alike = [one for one in known if one != name and _numbers(one) == _numbers(name)]
    plain = {one.casefold(): one for one in alike}
    return next(
        (plain[near] for near in difflib.get_close_matches(name.casefold(), plain, n=1, cutoff=0.75)), None
    )


def meant_by(near: str | None) -> str:
    """Say which id may be meant, as a remark behind the one that is not known."""
    return "" if near is None else f" (is {near!r} meant?)"


def _numbers(name: str) -> list[str]:
    return re.findall(r"\d+", name)


def _shown(value: str) -> str:
    return repr(value) if len(value) <= 80 else f"{value[:77]!r}... ({len(value)} characters)"
