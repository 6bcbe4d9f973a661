"""Which names may identify a dataset."""

import re
from pathlib import PurePosixPath

from c2s_assets.core.errors import InvalidDatasetIdError

_DATASET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


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


def _shown(value: str) -> str:
    return repr(value) if len(value) <= 80 else f"{value[:77]!r}... ({len(value)} characters)"
