"""The cells that two datasets have in common: found by all their bands, and kept until either is renewed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from c2s_assets.core.errors import LakeError
from c2s_assets.core.hashes import short_id
from c2s_assets.core.leaks.agreeing import CellBlock, agreeing_cells
from c2s_assets.core.leaks.chance import Chance, are_copies
from c2s_assets.core.leaks.columns import IS_EXACT, OTHER_ROW, ROW
from c2s_assets.core.leaks.spec import MIN_BANDS, MOST_ALIKE, SPEC_ID
from c2s_assets.schemas.arrow import arrow_schema, frame_schema
from c2s_assets.schemas.leaks import CellPairs
from c2s_assets.storage.leaks.sources import FingerprintTable
from c2s_assets.storage.tables.parquet import read_footer, read_table, with_metadata, write_table

# What decides which pairs are copies; to be raised when the meaning of the pairs changes.
_RULE_ID = short_id([SPEC_ID, MIN_BANDS, MOST_ALIKE, 1])
_N_EXPECTED = "n_expected_by_chance"


@dataclass(frozen=True)
class PairsOfDatasets:
    """The copies between two datasets, or within one: their rows, and how many of them chance would make."""

    left: FingerprintTable
    right: FingerprintTable
    rows: pl.DataFrame
    n_expected: float


def read_pairs(path: Path, left: FingerprintTable, right: FingerprintTable) -> PairsOfDatasets | None:
    """Read the pairs of two datasets; None if they were never compared as they are now."""
    if not path.exists():
        return None
    try:
        says = read_footer(path)
    except LakeError:
        return None
    n_expected = says.pop(_N_EXPECTED, None)
    if says != _made_from(left, right) or not isinstance(n_expected, float):
        return None
    return PairsOfDatasets(left, right, read_table(path), n_expected)


def write_pairs(path: Path, pairs: PairsOfDatasets) -> None:
    """Write the pairs of two datasets, so that `read_pairs` finds them."""
    says = {**_made_from(pairs.left, pairs.right), _N_EXPECTED: pairs.n_expected}
    write_table(path, pairs.rows, schema=with_metadata(arrow_schema(CellPairs), says))


def compare(left: FingerprintTable, right: FingerprintTable) -> PairsOfDatasets:
    """Find the cells of a dataset of which another holds a copy, or those that one holds several times."""
    chance = Chance()
    found = [frame_schema(CellPairs).to_frame(), *_compare_blocks(left, right, chance)]
    rows = pl.concat(found).sort(ROW, OTHER_ROW)
    return PairsOfDatasets(left, right, rows, chance.n_expected())


def _compare_blocks(
    left: FingerprintTable, right: FingerprintTable, chance: Chance
) -> Iterator[pl.DataFrame]:
    for number, block in enumerate(left.blocks()):
        if left is not right:
            for other in right.blocks():
                yield _copies(block, other, chance)
            continue
        yield _copies(block, block, chance)
        for further, other in enumerate(right.blocks()):
            if further > number:
                yield _copies(block, other, chance)


def _copies(left: CellBlock, right: CellBlock, chance: Chance) -> pl.DataFrame:
    chance.add(left, right)
    found = agreeing_cells(left, right)
    if left is right:
        found = found.where(found.left < found.right)
    found = found.where(are_copies(left, right, found, chance))
    return pl.DataFrame(
        {
            ROW: left.rows[found.left].astype(np.int32),
            OTHER_ROW: right.rows[found.right].astype(np.int32),
            IS_EXACT: (left.exact[found.left] == right.exact[found.right]).all(axis=1),
        }
    )


def _made_from(left: FingerprintTable, right: FingerprintTable) -> dict[str, object]:
    return {
        "table": "cell_pairs",
        "datasets": [left.dataset_id, right.dataset_id],
        "digests": [left.digest, right.digest],
        "rule_id": _RULE_ID,
    }
