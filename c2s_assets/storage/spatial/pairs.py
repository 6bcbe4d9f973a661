"""Finds the table of ligands and receptors that a dataset is to be read with."""

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from c2s_assets.core.errors import ConfigError, MissingInputError
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.pairs import parse_pairs
from c2s_assets.core.spatial.spec import OF_LIANA
from c2s_assets.schemas.registry import PAIRS
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.tables.scanning import scan_files

_LIANA = "liana"
_TABLE = Path("resource") / "omni_resource.csv"
_RESOURCE = "resource"
_MOUSE = "Mus musculus"


def source_of_pairs(setting: str | None, *, organism: str | None) -> str:
    """Name where pairs are from: what the setting says, else LIANA's consensus for the organism."""
    if setting is not None:
        return setting
    return f"{OF_LIANA}{'mouseconsensus' if organism == _MOUSE else 'consensus'}"


def read_pair_names(dataset: Dataset) -> pl.Series:
    """Read what the pairs that cells can hear are called, ``LIGAND-RECEPTOR``, by their index."""
    listed = dataset.read(PAIRS, columns=[c.PAIR_INDEX, c.LIGAND, c.RECEPTOR]).drop_nulls(c.PAIR_INDEX)
    return listed.sort(c.PAIR_INDEX).select(pl.format("{}-{}", c.LIGAND, c.RECEPTOR)).to_series()


def read_pairs(source: str, layout: Layout) -> pl.DataFrame:
    """Read pairs of ligand and receptor; see `parse_pairs` for the columns and what else is raised.

    Parameters
    ----------
    source
        ``liana:<resource>``, a part of the table that LIANA brings along, which is read without importing
        it; or the path of a CSV, TSV or Parquet file, see `Layout.named`.

    Raises
    ------
    MissingInputError
        If LIANA is not installed, or there is no such file.
    ConfigError
        If LIANA has no such resource, or the file cannot be read.
    """
    if source.startswith(OF_LIANA):
        return parse_pairs(_read_liana(source), source=source)
    path = layout.named(source)
    if not path.is_file():
        raise MissingInputError(
            f"there is no file {shown_place(layout, path)}, which datasets.yaml names as "
            f"communication.pairs. Put it there, or correct its name."
        )
    try:
        table = _read_file(present(path))
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{source} is no CSV, TSV or Parquet file: {error}. Name another one as communication.pairs in "
            f"datasets.yaml."
        ) from error
    return parse_pairs(table, source=source)


def _read_file(path: Path) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return scan_files(path).collect()
    separator = "\t" if path.suffix in (".tsv", ".txt") else ","
    return pl.read_csv(path, separator=separator, infer_schema=False, glob=False)


def _read_liana(source: str) -> pl.DataFrame:
    found = find_spec(_LIANA)
    places = found.submodule_search_locations if found is not None else None
    path = Path(places[0]) / _TABLE if places else None
    if path is None or not path.is_file():
        raise MissingInputError(
            f"{source} is a table of LIANA, which is not installed here. Install it without what it needs to "
            f"run, python -m pip install --no-deps liana; or name a table of your own, with the columns "
            f"ligand and receptor, as communication.pairs in datasets.yaml."
        )
    table = pl.read_csv(path, infer_schema=False, glob=False)
    wanted = source.partition(":")[2]
    chosen = table.filter(pl.col(_RESOURCE) == wanted)
    if chosen.is_empty():
        there = ", ".join(sorted(table[_RESOURCE].drop_nulls().unique()))
        raise ConfigError(
            f"LIANA has no resource {wanted!r}; it has: {there}. Correct communication.pairs in "
            f"datasets.yaml."
        )
    return chosen
