"""What tables say in their footers, and the symbols of HGNC as an input."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from c2s_assets.core.errors import MissingInputError
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import hold_commits
from c2s_assets.storage.tables.parquet import count_rows, read_footer, read_table

# Key of the digest of the source in the footer of every table.
SOURCE = "source_sha256"
# Key of the version in the footer of the symbols of HGNC.
GENE_SYMBOLS_VERSION = "version"


def footer(table: str, profile: DatasetProfile, **further: object) -> dict[str, object]:
    """Say in a table's footer what it is and which source it was made from."""
    return {"table": table, "dataset_id": profile.dataset_id, SOURCE: profile.source_sha256, **further}


def count_rows_of(asset: str, places: Sequence[Path]) -> int | None:
    """Count the rows of what an asset leaves in these places; None if it is not one table."""
    if not TABLES[asset].is_table or TABLES[asset].form == "folder":
        return None
    return sum(count_rows(place) for place in places if place.exists())


def held_gene_symbols(layout: Layout) -> tuple[pl.DataFrame | None, Mapping[str, object]]:
    """Read the symbols of HGNC as the lake holds them, and their footer; None and nothing if it does not."""
    if not layout.gene_symbols.exists():
        return None, {}
    with hold_commits(layout):
        return read_table(layout.gene_symbols), read_footer(layout.gene_symbols)


def gene_symbols_version(layout: Layout) -> str | None:
    """Return the version of the symbols of HGNC that the lake holds; None if there are none, or old ones."""
    if not layout.gene_symbols.exists():
        return None
    version = read_footer(layout.gene_symbols).get(GENE_SYMBOLS_VERSION)
    return None if version is None else str(version)


def read_gene_symbols(layout: Layout) -> tuple[pl.DataFrame | None, str | None]:
    """Read the symbols of HGNC and their version, see core.hgnc; None and None if they were never fetched.

    Raises
    ------
    MissingInputError
        If they were fetched by an earlier c2s_assets, which kept approved symbols only.
    """
    genes, says = held_gene_symbols(layout)
    if genes is None:
        return None, None
    if GENE_SYMBOLS_VERSION not in says:
        raise MissingInputError(
            f"{layout.gene_symbols} was written by an earlier c2s_assets, which did not keep previous and "
            f"alias symbols. Fetch them again with: c2s symbols --refresh   (or remove the file)"
        )
    return genes, str(says[GENE_SYMBOLS_VERSION])
