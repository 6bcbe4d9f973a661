"""Which datasets of CELLxGENE Discover `datasets.yaml` asks for, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from c2s_assets.core.ages.stages import stage_interval
from c2s_assets.core.cells.labels import members
from c2s_assets.core.columns import CELL_TYPE, DATASET_ID, DEVELOPMENT_STAGE, ORGANISM
from c2s_assets.core.discover.records import (
    CELL_COUNT,
    COLLECTION_ID,
    DATASET_VERSION_ID,
    H5AD_SIZE_BYTES,
    H5AD_URL,
    N_ABSENT,
)
from c2s_assets.core.discover.selection_problems import (
    contradictions,
    no_dataset_passes,
    not_offered,
    unknown_labels,
    wrong_kind,
)
from c2s_assets.core.settings import Selection

REASON = "reason"

# Filters whose values are lists of labels, in the selection as in the listing.
LABEL_FILTERS = (
    ORGANISM,
    "tissue",
    "assay",
    "disease",
    "sex",
    DEVELOPMENT_STAGE,
    CELL_TYPE,
    "suspension_type",
)
_KEPT = [DATASET_ID, DATASET_VERSION_ID, COLLECTION_ID, "title", CELL_COUNT, H5AD_SIZE_BYTES, H5AD_URL]

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class Selected:
    """What is taken of a listing.

    Attributes
    ----------
    rows
        One row per dataset in order of its id: `dataset_id, dataset_version_id, collection_id, title,
        cell_count, h5ad_size_bytes, h5ad_url, reason`.
    problems
        What was asked for and cannot be had, for example a misspelt tissue, or filters that never meet.
    """

    rows: pl.DataFrame
    problems: list[str]


@dataclass(frozen=True)
class Offer:
    """The version of a dataset that is to be in the lake, and where to get it."""

    dataset_version_id: str
    url: str
    size_bytes: int | None


def select(listing: pl.DataFrame, selection: Selection) -> Selected:
    """Take the datasets that `datasets.yaml` asks for; see core.datasets.Selection for the rules.

    One that is missing from the last listing, or has no h5ad, is not taken.
    """
    if selection.is_empty:
        return Selected(_rows([], listing), [])
    offered = _offered(listing)
    wanted = _Wanted(selection)
    columns = [DATASET_ID, COLLECTION_ID, CELL_COUNT, *LABEL_FILTERS]
    rows = offered.select(columns).rows(named=True)
    found = _rows([wanted.reason(row) for row in rows], offered)
    problems = [
        *(mislabelled := unknown_labels(listing, selection, LABEL_FILTERS)),
        *wrong_kind(listing, selection),
        *not_offered(listing, selection),
        *contradictions(listing, selection),
    ]
    if selection.has_filters and not any(wanted.passes(row) for row in rows):
        alone = {
            name: sum(passed(row) is not None for row in rows) for name, passed in wanted.filters.items()
        }
        # A word that no dataset has was told already, and explains why its filter leaves none.
        if all(alone.values()) or not mislabelled:
            problems.append(no_dataset_passes(alone))
    elif found.is_empty() and selection.has_filters:
        problems.append("cellxgene: exclude names every dataset that passes the filters.")
    return Selected(found, problems)


def offer_of(listing: pl.DataFrame, selection: Selection, *, dataset_id: str) -> Offer | None:
    """Return the version of one dataset that is to be in the lake, or None if it is not taken."""
    found = select(listing.filter(pl.col(DATASET_ID) == dataset_id), selection).rows
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Offer(row[DATASET_VERSION_ID], row[H5AD_URL], row[H5AD_SIZE_BYTES])


def count_labels(listing: pl.DataFrame, name: str) -> pl.DataFrame:
    """Count the datasets that have each label of one of `LABEL_FILTERS`, and all their cells.

    Returns
    -------
    One row per label, that of most datasets first: `label, n_datasets, n_cells`. A dataset with two labels
    counts with all its cells for both.
    """
    offered = _offered(listing)
    labels = [list(dict.fromkeys(m for label in row for m in members(label))) for row in offered[name]]
    per_label = offered.select(CELL_COUNT, pl.Series("label", labels, pl.List(pl.String))).explode("label")
    counted = per_label.drop_nulls("label").group_by("label")
    counts = counted.agg(n_datasets=pl.len(), n_cells=pl.col(CELL_COUNT).sum())
    return counts.sort("n_datasets", "n_cells", "label", descending=[True, True, False])


class _Wanted:
    """A selection, prepared to be asked about one dataset after the other.

    Attributes
    ----------
    filters
        By name: says what of a dataset passes, or None if the filter leaves it out.
    """

    def __init__(self, selection: Selection) -> None:
        self._named = {name.casefold() for name in selection.datasets}
        self._excluded = {name.casefold() for name in selection.exclude}
        self.filters: dict[str, Callable[[_Row], str | None]] = {
            name: _has_label(name, labels) for name in LABEL_FILTERS if (labels := getattr(selection, name))
        }
        if selection.collections:
            self.filters["collections"] = _in_collections(selection.collections)
        if selection.has_ages is not None:
            self.filters["has_ages"] = _knows_ages(has_ages=selection.has_ages)
        if selection.min_cells is not None:
            self.filters["min_cells"] = _has_at_least(selection.min_cells)
        if selection.max_cells is not None:
            self.filters["max_cells"] = _has_at_most(selection.max_cells)

    def reason(self, row: _Row) -> str | None:
        """Say why a dataset is taken, or None if it is not."""
        if {row[DATASET_ID].casefold(), row[COLLECTION_ID].casefold()} & self._excluded:
            return None
        if row[DATASET_ID].casefold() in self._named:
            return "named in datasets"
        return self.passes(row)

    def passes(self, row: _Row) -> str | None:
        """Say by what a dataset passes all filters, or None if it does not, or there are none."""
        passed = [text for filter_ in self.filters.values() if (text := filter_(row)) is not None]
        return "; ".join(passed) if passed and len(passed) == len(self.filters) else None


def _has_label(name: str, wanted: list[str]) -> Callable[[_Row], str | None]:
    labels = {member.casefold() for label in wanted for member in members(label)}

    def passed(row: _Row) -> str | None:
        listed = dict.fromkeys(member for label in row[name] for member in members(label))
        found = [label for label in listed if label.casefold() in labels]
        return f"{name} {', '.join(found)}" if found else None

    return passed


def _in_collections(wanted: list[str]) -> Callable[[_Row], str | None]:
    ids = {name.casefold() for name in wanted}
    return lambda row: "in collections" if row[COLLECTION_ID].casefold() in ids else None


def _knows_ages(*, has_ages: bool) -> Callable[[_Row], str | None]:
    text = "has ages" if has_ages else "has no ages"
    return lambda row: text if _has_ages(row) == has_ages else None


def _has_at_least(n_cells: int) -> Callable[[_Row], str | None]:
    text = f"at least {n_cells:,} cells"
    return lambda row: text if row[CELL_COUNT] is not None and row[CELL_COUNT] >= n_cells else None


def _has_at_most(n_cells: int) -> Callable[[_Row], str | None]:
    text = f"at most {n_cells:,} cells"
    return lambda row: text if row[CELL_COUNT] is not None and row[CELL_COUNT] <= n_cells else None


def _offered(listing: pl.DataFrame) -> pl.DataFrame:
    return listing.filter((pl.col(N_ABSENT) == 0) & pl.col(H5AD_URL).is_not_null())


def _rows(reasons: list[str | None], offered: pl.DataFrame) -> pl.DataFrame:
    columns = offered.clear() if not reasons else offered
    with_reason = columns.select(*_KEPT, pl.Series(REASON, reasons, dtype=pl.String))
    return with_reason.filter(pl.col(REASON).is_not_null())


def _has_ages(row: _Row) -> bool:
    organism = row[ORGANISM][0] if len(row[ORGANISM]) == 1 else None
    return any(_says_age(label, organism) for label in row[DEVELOPMENT_STAGE])


@lru_cache(maxsize=4096)
def _says_age(stage: str, organism: str | None) -> bool:
    return stage_interval(stage, organism=organism).age is not None
