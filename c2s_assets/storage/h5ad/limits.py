"""The most that is read of one file, so that a small one cannot take all memory or time."""

from dataclasses import dataclass

from c2s_assets.core.errors import UnsafeFileError


@dataclass(frozen=True)
class Limits:
    """What a file may claim; each can be raised for one dataset, see `core.settings.LimitSettings`.

    They are held against headers, before anything is read, and are far from any honest file that we know of:
    the largest of CELLxGENE Discover has 11 million cells, 60,000 features and some hundred columns in obs.

    Attributes
    ----------
    cells, features
        Rows of obs; rows of var and of raw.var. Peaks of ATAC come to a million, bins of 500 bases to 6.
    columns
        Columns of obs, and of var.
    categories
        Categories of a column, if there are more than rows.
    layers
        Matrices in `layers`; 30 have been seen.
    elements
        Names of groups and datasets in the whole file, most of which are columns and what `uns` holds.
    text_bytes
        One id, value or category in obs or var.
    column_bytes
        The text of a column that is not categorical.
    cell_bytes
        The values of obs for one cell, as they are written out, in the mean of all cells.
    uns_bytes
        Text and numbers of `uns` that are read.
    chunk_bytes
        A chunk once it is inflated: HDF5 has to inflate all of it for one value.
    expansion
        Bytes of values that a byte of the file can stand for. DEFLATE reaches 1,032, on zeros.
    """

    cells: int = 50_000_000
    features: int = 2_000_000
    columns: int = 2_000
    categories: int = 5_000_000
    layers: int = 200
    elements: int = 20_000
    text_bytes: int = 2**16
    column_bytes: int = 2**31
    cell_bytes: int = 2**15
    uns_bytes: int = 2**26
    chunk_bytes: int = 2**28
    expansion: int = 2_000

    def refuse_more(self, name: str, found: int, *, where: str, unit: str) -> None:
        """Refuse what exceeds a limit.

        Parameters
        ----------
        name
            The limit.
        where, unit
            What stands in the message before and behind the number: "obs has", "columns".

        Raises
        ------
        UnsafeFileError
            Naming what was found, the limit, and how to raise it.
        """
        limit: int = getattr(self, name)
        if found > limit:
            raise UnsafeFileError(
                f"{where} {found:,} {unit}; at most {limit:,} are read, far from any file we know. If you "
                f"trust this one, write limits: {{{name}: {found}}} into its entry of datasets.yaml."
            )


# Of a dataset whose entry says nothing.
DEFAULT_LIMITS = Limits()
