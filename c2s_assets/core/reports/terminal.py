"""What commands print: tables and lines of text."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.discover.records import CELL_COUNT, DATASET_VERSION_ID, H5AD_SIZE_BYTES
from c2s_assets.core.discover.refresh import Held
from c2s_assets.core.discover.selection import REASON, Selected
from c2s_assets.core.reports.text import one_line

_BAR_LETTERS = 20


def progress_text(n_done: float, n_all: float | None, *, unit: str, seconds: float) -> str:
    """Draw how far something is: a bar and how long is left, where it is known how much there is."""
    rate = n_done / max(seconds, 1e-9)
    if not n_all:
        return f"{n_done:,.0f} {unit}, {rate:,.0f} {unit}/s"
    n_full = round(_BAR_LETTERS * min(n_done / n_all, 1))
    left = max(n_all - n_done, 0) / max(rate, 1e-9)
    return (
        f"[{'#' * n_full}{'.' * (_BAR_LETTERS - n_full)}] {n_done:,.0f} of {n_all:,.0f} {unit}, "
        f"{rate:,.0f} {unit}/s, {left:,.0f} s left"
    )


def selection_lines(selected: Selected, held: Mapping[str, Held], *, n_listed: int) -> Iterator[str]:
    """Tell what a selection takes, two lines for each dataset, and whether the lake has it already."""
    n_cells, n_bytes = (int(selected.rows[name].sum()) for name in (CELL_COUNT, H5AD_SIZE_BYTES))
    yield (
        f"{selected.rows.height:,} of {n_listed:,} datasets are selected: {n_cells:,} cells, "
        f"{n_bytes / 1e9:,.1f} GB of h5ad"
    )
    for row in selected.rows.iter_rows(named=True):
        cells = "?" if row[CELL_COUNT] is None else f"{row[CELL_COUNT]:,}"
        size = "?" if row[H5AD_SIZE_BYTES] is None else f"{row[H5AD_SIZE_BYTES] / 1e9:,.2f}"
        state = _state(row, held.get(row[DATASET_ID]))
        yield f"{row[DATASET_ID]:<38}{cells:>12} cells{size:>9} GB   {state}"
        yield f"    {one_line(row['title'] or 'without title')}   ({row[REASON]})"


def label_lines(counts: pl.DataFrame) -> Iterator[str]:
    """List labels that may be selected, see core.selection.count_labels."""
    yield f"{'datasets':>8}{'cells':>16}   label"
    for label, n_datasets, n_cells in counts.rows():
        yield f"{n_datasets:>8,}{n_cells:>16,}   {label}"


def _state(row: Mapping[str, Any], held: Held | None) -> str:
    if held is not None and held.is_own:
        return "a file of yours has its name"
    if held is None or held.dataset_version_id != row[DATASET_VERSION_ID]:
        return "to fetch"
    return "in the lake" if held.is_built else "to build, its h5ad is in the lake"
