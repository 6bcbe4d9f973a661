"""`c2s_assets.batches`: what is drawn, from which tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from c2s_assets.core.batches.genes import GeneColumns, align_genes
from c2s_assets.core.columns import FEATURE_ID, SYMBOL
from c2s_assets.core.errors import C2SError, UnknownNameError
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.registry import FEATURES, SIDES_OF_DATASET
from c2s_assets.storage.batches.expression import ExpressionCells
from c2s_assets.storage.batches.iterating import FORMS, Batches, Form
from c2s_assets.storage.batches.labels import ROW, as_labels, in_order_of_cells, read_cells
from c2s_assets.storage.batches.sentences import SentenceCells
from c2s_assets.storage.choosing import choose_datasets
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.reading import Lake, open_lake
from c2s_assets.storage.tables.scanning import scan_files

Content = Literal["expression", "sentences"]
_CONTENTS: tuple[Content, ...] = ("expression", "sentences")


def batches(
    datasets: Sequence[str] | None = None,
    *,
    side: str | None = None,
    columns: Sequence[str] = (),
    batch_size: int = 256,
    seed: int = 0,
    genes: Sequence[str] | None = None,
    of: Content = "expression",
    form: Form = "csr",
    lake: str | Path | None = None,
) -> Batches:
    """Draw shuffled batches of cells from the tables of a lake.

    Each epoch gives every cell exactly once, the last batch may be smaller. Memory is that of two windows of
    200 MB, whatever the number of cells, and four bytes for each cell and each of the columns.

    Parameters
    ----------
    datasets
        Ids; all that the lake has if None.
    side
        ``"train"``, ``"validation"`` or ``"test"``; cells of all sides if None. Cells on no side never come.
    columns
        Columns of the training table that come with each cell, see docs/tables.md.
    genes
        Feature ids or symbols that become the columns, in this order; all features of all datasets if None,
        those of the first dataset first. Features of several datasets are the same if their `feature_id` is,
        the Ensembl id. A dataset that lacks a gene has zeros there; `measured` tells which are lacking.
    of
        What the batches hold: ``"expression"``, as `Batch.x`, or ``"sentences"``.
    form
        Of expression: ``"csr"`` (SciPy), ``"dense"`` (NumPy) or ``"torch"`` (a tensor in CSR layout).
    lake
        Folder of the lake; by default ``$C2S_LAKE``, and without that ``./lake``.

    Raises
    ------
    UnknownNameError
        If there is no such dataset, side, column, gene, content or form.
    MissingInputError
        If a table is missing or outdated, or no cell is on the side.
    C2SError
        If the batch size is below 1, the seed below 0, or some datasets hold counts and others do not.
    """
    _check(batch_size=batch_size, seed=seed)
    _choose(of, _CONTENTS, "content: of")
    _choose(form, FORMS, "form")
    opened = open_lake(lake)
    ids = choose_datasets(opened.layout, datasets)
    cells, categories = read_cells(opened, ids, side=side, columns=columns)
    aligned = GeneColumns((), {})
    source: ExpressionCells | SentenceCells
    if of == "sentences":
        files = [path for parts in opened.files(SIDES_OF_DATASET, ids).values() for path in parts]
        source = SentenceCells.find([path for path in files if side in (None, path.parent.name)])
    else:
        parts = opened.files("expression", ids)
        _refuse_mixed_kinds(opened, ids)
        aligned = align_genes(_features(opened, ids), genes)
        cells = [in_order_of_cells(rows, opened, name) for name, rows in zip(ids, cells, strict=True)]
        rows = {name: frame[ROW].to_numpy().astype(np.int64) for name, frame in zip(ids, cells, strict=True)}
        source = ExpressionCells.find(parts, rows, aligned)
    return Batches(
        genes=aligned.genes,
        measured=aligned.measured,
        categories=categories,
        batch_size=batch_size,
        seed=seed,
        form=form,
        _source=source,
        _labels=as_labels(cells, columns, categories),
    )


def _check(*, batch_size: int, seed: int) -> None:
    if batch_size < 1:
        raise C2SError(f"batch_size is {batch_size}, and a batch has at least one cell.")
    if seed < 0:
        raise C2SError(f"seed is {seed}, and must be 0 or more.")


def _choose(given: str, known: Sequence[str], what: str) -> None:
    if given not in known:
        raise UnknownNameError(f"{given!r} is no {what}. There are {', '.join(known)}.")


def _refuse_mixed_kinds(lake: Lake, ids: Sequence[str]) -> None:
    """Refuse counts beside values that are none: their sizes say different things."""
    kinds = {name: read_document(lake.layout.profile(name), DatasetProfile).verdict.kind for name in ids}
    if len(set(kinds.values())) > 1:
        listing = ", ".join(f"{name} has {kind}" for name, kind in kinds.items())
        raise C2SError(
            f"the datasets hold different kinds of values: {listing}. Name those of one kind, or name "
            f"another matrix in datasets.yaml (layer) and build again."
        )


def _features(lake: Lake, ids: Sequence[str]) -> dict[str, pl.DataFrame]:
    found = lake.files(FEATURES, ids)
    return {name: scan_files(found[name]).select(FEATURE_ID, SYMBOL).collect() for name in ids}
