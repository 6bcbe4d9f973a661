"""Tables of the lake as inputs: there, and made from the source file as it is now."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from c2s_assets.core.errors import MissingInputError
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import hold_commits
from c2s_assets.storage.sources.raw import read_provenance
from c2s_assets.storage.tables.parquet import read_footer, read_table, table_schema

# Key of the digest of the source in the footer of every table.
SOURCE = "source_sha256"
# Key of the version in the footer of the symbols of HGNC.
GENE_SYMBOLS_VERSION = "version"


def footer(table: str, profile: DatasetProfile, **further: object) -> dict[str, object]:
    """Say in a table's footer what it is and which source it was made from."""
    return {"table": table, "dataset_id": profile.dataset_id, SOURCE: profile.source_sha256, **further}


def current_table(path: Path, layout: Layout, *, dataset_id: str) -> Path:
    """Return the path of a table that was made from the dataset's present source file.

    Raises
    ------
    MissingInputError
        If it does not exist, or was made from an earlier version of the source.
    """
    _require_current(read_footer(path).get(SOURCE), path, layout, dataset_id=dataset_id)
    return path


def read_current(path: Path, layout: Layout, *, dataset_id: str, columns: list[str]) -> pl.DataFrame:
    """Read columns of a one-file table that was made from the dataset's present source file.

    Raises
    ------
    MissingInputError
        If it does not exist, was made from an earlier version of the source, or by an earlier c2s_assets that
        did not write one of the columns.
    """
    current_table(path, layout, dataset_id=dataset_id)
    missing = [name for name in columns if name not in table_schema(path).names]
    if missing:
        raise MissingInputError(
            f"{path} has no column {missing[0]}: it was written by an earlier c2s_assets. Build the dataset "
            f"again: c2s build {dataset_id}."
        )
    return read_table(path, columns=columns)


def current_profile(layout: Layout, *, dataset_id: str) -> DatasetProfile:
    """Return the profile of the dataset's present source file.

    Raises
    ------
    MissingInputError
        If it does not exist, or was made from an earlier version of the source.
    """
    profile = read_document(layout.profile(dataset_id), DatasetProfile)
    _require_current(profile.source_sha256, layout.profile(dataset_id), layout, dataset_id=dataset_id)
    return profile


def held_gene_symbols(layout: Layout) -> tuple[pl.DataFrame | None, Mapping[str, object]]:
    """Read the symbols of HGNC as the lake holds them, and their footer; None and nothing if it does not."""
    if not layout.gene_symbols.exists():
        return None, {}
    with hold_commits(layout):
        return read_table(layout.gene_symbols), read_footer(layout.gene_symbols)


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
            f"alias symbols. Materialize gene_symbols again, or remove the file to do without."
        )
    return genes, str(says[GENE_SYMBOLS_VERSION])


def _require_current(made_from: object, path: Path, layout: Layout, *, dataset_id: str) -> None:
    source = read_provenance(layout, dataset_id=dataset_id).sha256
    if made_from != source:
        raise MissingInputError(
            f"{path} was made from another version of the source file (sha256 {str(made_from)[:12]}; it is "
            f"{source[:12]} now). Build the dataset again: c2s build {dataset_id}."
        )
