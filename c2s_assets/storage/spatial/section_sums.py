"""Sums what the cells of a dataset hear, by section and pair."""

from collections.abc import Mapping, Sequence
from typing import cast

import polars as pl

from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.section_sums import sum_sections
from c2s_assets.schemas.registry import COMMUNICATION, PAIRS
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.tables.parquet import iter_table, read_footer


def read_section_sums(dataset: Dataset) -> pl.DataFrame:
    """Sum what the cells of a dataset hear; see `sum_sections`."""
    pairs = dataset.read(PAIRS, columns=[c.PAIR_INDEX, c.LIGAND, c.RECEPTOR])
    contacts = read_footer(dataset.path(COMMUNICATION))[c.N_CONTACTS]
    heard = iter_table(dataset.path(COMMUNICATION), columns=[c.SECTION, c.RECEIVED_PAIR_INDEX, c.RECEIVED])
    measured = pairs.drop_nulls(c.PAIR_INDEX).sort(c.PAIR_INDEX)
    return sum_sections(heard, measured, cast(Mapping[str, Sequence[int]], contacts))
