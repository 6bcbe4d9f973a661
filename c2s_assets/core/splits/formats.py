"""The sides of a split as other tools read them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

import polars as pl

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_ID, FOLD, SPLIT
from c2s_assets.core.errors import UnknownNameError
from c2s_assets.core.splits.sides import TEST, TRAIN, VALIDATION

# cell-load and Cell2Sentence call them so.
_NAMES = {TRAIN: "train", VALIDATION: "val", TEST: "test"}
_ABOUT_CELL_LOAD = """\
# Sides for cell-load, with donors as contexts: PerturbationDataModule(..., cell_type_key="donor_id").
# A donor that is not listed is on no side. cell-load adds control cells of all contexts to train, those of
# validation and test as well, and knows no single cells that are left out.
"""


def cell_load_toml(sources: Mapping[str, str], donors: pl.DataFrame) -> str:
    """Write the configuration of cell-load, in which each donor is a context of its own.

    A dot in the id of a dataset becomes a hyphen, as cell-load ends the name there.

    Parameters
    ----------
    sources
        Path of the h5ad by dataset.
    donors
        `dataset_id, donor_id, split` of those that are on a side.

    Raises
    ------
    UnknownNameError
        If two datasets would have one name.
    """
    names = {dataset_id: dataset_id.replace(".", "-") for dataset_id in sources}
    if twins := [name for name, n in Counter(names.values()).items() if n > 1]:
        same = sorted(dataset_id for dataset_id, name in names.items() if name == twins[0])
        raise UnknownNameError(
            f"cell-load ends names at a dot, so {' and '.join(same)} would both be {twins[0]}. Give one of "
            f"them another name with: c2s mv {same[0]} NEW"
        )
    paths = (f"{_quoted(names[dataset_id])} = {_quoted(path)}" for dataset_id, path in sources.items())
    rows = donors.select(DATASET_ID, DONOR_ID, SPLIT).sort(DATASET_ID, DONOR_ID).iter_rows()
    contexts = (
        f"{_quoted(f'{names[dataset]}.{donor}')} = {_quoted(_NAMES[side])}" for dataset, donor, side in rows
    )
    return "\n".join([_ABOUT_CELL_LOAD + "[datasets]", *paths, "", "[zeroshot]", *contexts, ""])


def cell2sentence_indices(cells: Iterable[str], sides: pl.DataFrame) -> str:
    """Write `data_split_indices_dict` of Cell2Sentence as JSON: 0-based rows of a dataset by side, ascending.

    Parameters
    ----------
    cells
        `cell_id` of all rows of the h5ad, in their order.
    sides
        `cell_id, split` of the cells that are used.
    """
    rows = pl.DataFrame({CELL_ID: cells}, schema={CELL_ID: pl.String}).with_row_index("row")
    used = rows.join(sides, on=CELL_ID, maintain_order="left")
    return json.dumps(
        {name: used.filter(pl.col(SPLIT) == side)["row"].to_list() for side, name in _NAMES.items()}
    )


def donor_list(donors: pl.DataFrame) -> str:
    """Write the side and fold of each donor of each dataset, separated by tabs."""
    rows = donors.select(DATASET_ID, DONOR_ID, SPLIT, FOLD).sort(DATASET_ID, DONOR_ID)
    return rows.write_csv(separator="\t")


def _quoted(text: str) -> str:
    """Quote a text for TOML, whose texts are those of JSON but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
