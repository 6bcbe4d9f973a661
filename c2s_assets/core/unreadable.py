"""Columns that somebody relies on and that the file has, but that cannot be read."""

from collections.abc import Mapping

from c2s_assets.core.columns import DONOR_ID
from c2s_assets.core.errors import UnsupportedEncodingError
from c2s_assets.core.settings import DatasetEntry

OF_CELLS = ("donor_column", "age_column", "age_group_column", "cell_type_column")
OF_FEATURES = ("symbol_column",)


def refuse_unreadable(entry: DatasetEntry, problems: Mapping[str, str], *, keys: tuple[str, ...]) -> None:
    """Refuse to go on without a column that was asked for, although the file may do without any other.

    Parameters
    ----------
    problems
        Why columns cannot be read, by name.
    keys
        Keys of the entry to look at, `OF_CELLS` or `OF_FEATURES`.

    Raises
    ------
    UnsupportedEncodingError
        Naming the key, the column and why it cannot be read.
    """
    for key in keys:
        name = getattr(entry, key)
        if name in problems:
            raise UnsupportedEncodingError(
                f"datasets.yaml names {name!r} as {key}, and that column cannot be read: {problems[name]}"
            )


def unread_donors(entry: DatasetEntry, problems: Mapping[str, str]) -> str | None:
    """Return why the column that names the donors, though nobody says so, cannot be read; None if it can be.

    Its dataset has donors that are not known: that is not the same as none.
    """
    return None if entry.donor_column is not None else problems.get(DONOR_ID)
