"""Which datasets of CELLxGENE Discover `datasets.yaml` asks for, and why."""

import difflib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from c2s_assets.core.columns import DATASET_ID, DEVELOPMENT_STAGE, ORGANISM
from c2s_assets.core.datasets import Selection
from c2s_assets.core.discover import (
    CELL_COUNT,
    COLLECTION_ID,
    DATASET_VERSION_ID,
    H5AD_SIZE_BYTES,
    H5AD_URL,
)
from c2s_assets.core.listing import N_ABSENT
from c2s_assets.core.stages import stage_interval

REASON = "reason"

_LABEL_FILTERS = (ORGANISM, "tissue", "assay", "disease", DEVELOPMENT_STAGE, "suspension_type")
_KEPT = [DATASET_ID, DATASET_VERSION_ID, COLLECTION_ID, "title", CELL_COUNT, H5AD_SIZE_BYTES, H5AD_URL]


@dataclass(frozen=True)
class Selected:
    """What is taken of a listing.

    Attributes
    ----------
    rows
        One row per dataset in order of its id: `dataset_id, dataset_version_id, collection_id, title,
        cell_count, h5ad_size_bytes, h5ad_url, reason`.
    problems
        What was asked for and is not in the listing, for example a misspelt tissue.
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
    is_offered = (pl.col(N_ABSENT) == 0) & pl.col(H5AD_URL).is_not_null()
    offered = listing.filter(is_offered)
    wanted = _Wanted(selection)
    columns = [DATASET_ID, COLLECTION_ID, CELL_COUNT, *_LABEL_FILTERS]
    reasons = [wanted.reason(row) for row in offered.select(columns).iter_rows(named=True)]
    named = set(selection.datasets) | set(selection.exclude)
    return Selected(_rows(reasons, offered), [*_problems(listing, selection), *_not_offered(listing, named)])


def offer_of(listing: pl.DataFrame, selection: Selection, *, dataset_id: str) -> Offer | None:
    """Return the version of one dataset that is to be in the lake, or None if it is not taken."""
    found = select(listing.filter(pl.col(DATASET_ID) == dataset_id), selection).rows
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Offer(row[DATASET_VERSION_ID], row[H5AD_URL], row[H5AD_SIZE_BYTES])


class _Wanted:
    """A selection, prepared to be asked about one dataset after the other."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._labels = {
            name: {label.casefold() for label in labels}
            for name in _LABEL_FILTERS
            if (labels := getattr(selection, name))
        }

    def reason(self, row: dict[str, Any]) -> str | None:
        """Say why a dataset is taken, or None if it is not."""
        chosen = self._selection
        if {row[DATASET_ID], row[COLLECTION_ID]} & set(chosen.exclude):
            return None
        if row[DATASET_ID] in chosen.datasets:
            return "named in datasets"
        passed = [self._matching(name, row[name]) for name in self._labels]
        if not chosen.has_filters or None in passed or not self._passes_others(row):
            return None
        return "; ".join([*(text for text in passed if text), *self._others()])

    def _passes_others(self, row: dict[str, Any]) -> bool:
        chosen = self._selection
        return (
            self._has_size(row[CELL_COUNT])
            and (not chosen.collections or row[COLLECTION_ID] in chosen.collections)
            and (chosen.has_ages is None or _has_ages(row) == chosen.has_ages)
        )

    def _matching(self, name: str, labels: list[str]) -> str | None:
        found = [label for label in labels if label.casefold() in self._labels[name]]
        return f"{name} {', '.join(found)}" if found else None

    def _has_size(self, cell_count: int | None) -> bool:
        low, high = self._selection.min_cells, self._selection.max_cells
        if low is None and high is None:
            return True
        return cell_count is not None and (low or 0) <= cell_count and (high is None or cell_count <= high)

    def _others(self) -> list[str]:
        chosen = self._selection
        texts = {
            "in collections": bool(chosen.collections),
            "has ages": chosen.has_ages is True,
            "has no ages": chosen.has_ages is False,
            f"at least {chosen.min_cells or 0:,} cells": chosen.min_cells is not None,
            f"at most {chosen.max_cells or 0:,} cells": chosen.max_cells is not None,
        }
        return [text for text, holds in texts.items() if holds]


def _rows(reasons: list[str | None], offered: pl.DataFrame) -> pl.DataFrame:
    columns = offered.clear() if not reasons else offered
    with_reason = columns.select(*_KEPT, pl.Series(REASON, reasons, dtype=pl.String))
    return with_reason.filter(pl.col(REASON).is_not_null())


def _has_ages(row: dict[str, Any]) -> bool:
    organism = row[ORGANISM][0] if len(row[ORGANISM]) == 1 else None
    return any(_says_age(label, organism) for label in row[DEVELOPMENT_STAGE])


@lru_cache(maxsize=4096)
def _says_age(stage: str, organism: str | None) -> bool:
    return stage_interval(stage, organism=organism).age is not None


def _problems(listing: pl.DataFrame, selection: Selection) -> list[str]:
    """Name labels and ids of the selection that no dataset of the listing has."""
    problems = []
    for name in (*_LABEL_FILTERS, "collections"):
        values = listing[COLLECTION_ID] if name == "collections" else listing[name].explode()
        known = {value.casefold(): value for value in values.drop_nulls().unique().sort()}
        for wanted in getattr(selection, name):
            if wanted.casefold() not in known:
                close = difflib.get_close_matches(wanted.casefold(), known, n=3)
                hint = f"; did you mean {', '.join(known[value] for value in close)}?" if close else "."
                problems.append(f"cellxgene: {name}: no dataset of the listing has {wanted!r}{hint}")
    return problems


def _not_offered(listing: pl.DataFrame, named: set[str]) -> list[str]:
    """Say of ids that the selection names why there is nothing to take."""
    rows = listing.select(DATASET_ID, N_ABSENT, H5AD_URL).rows_by_key(DATASET_ID, named=True, unique=True)
    known = {*rows, *listing[COLLECTION_ID]}
    problems = [f"cellxgene: {name!r} is not in the listing." for name in sorted(named - known)]
    for name in sorted(named & rows.keys()):
        if rows[name][N_ABSENT]:
            problems.append(f"cellxgene: {name} was missing from the last listing; it is not fetched.")
        elif rows[name][H5AD_URL] is None:
            problems.append(f"cellxgene: {name} has no h5ad.")
    return problems
