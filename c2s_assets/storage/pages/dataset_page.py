"""The page on one dataset: what it holds, its pictures, its split, its checks, how to load it."""

from collections.abc import Iterator

import polars as pl

from c2s_assets.core.columns import FOLD, SPLIT
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.pages.markup import code, facts, heading, page, paragraph, table, title
from c2s_assets.core.splits.manifest import BY_CELL, level_of
from c2s_assets.schemas.documents import CheckReport, ValidationReport
from c2s_assets.schemas.registry import REPORT
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.pages.pictures import pictures

_MEGABYTE = 2**20
_MOST_ROWS = 200


def dataset_page(dataset: Dataset, report: ValidationReport, *, category: str | None) -> str:
    """Put the page on a dataset together, the same bytes for the same tables, wherever the lake is.

    Parameters
    ----------
    report
        On its checks.
    category
        The column that tells kinds of cells, if there is one.
    """
    parts = [
        *_head(dataset, report),
        heading("Pictures"),
        *pictures(dataset, category=category),
        *_tables(dataset),
        *_split(dataset),
        *_checks(report),
        *_loading(dataset),
    ]
    return page(dataset.dataset_id, parts)


def _head(dataset: Dataset, report: ValidationReport) -> Iterator[str]:
    source = dataset.source
    known: dict[str, str | None] = {
        "cells": f"{report.n_obs:,}",
        "features": f"{report.n_vars:,}",
        "source": source.url or "a file",
        "size": f"{source.size_bytes / _MEGABYTE:,.1f} MB",
        "sha256": source.sha256,
    }
    try:
        profile = dataset.profile
    except MissingInputError:
        yield title(dataset.dataset_id)
    else:
        origin = dataset.origin
        yield title(origin.title or dataset.dataset_id)
        if origin.title:
            yield paragraph(dataset.dataset_id, style="grey")
        known |= {
            "organism": profile.organism,
            "matrix": f"{profile.layer}: {profile.verdict.kind}. {profile.layer_reason}",
            "citation": origin.citation,
            "DOI": origin.publication_doi,
            "licence": origin.licence,
        }
    summary = report.summary
    n_open = summary.n_broken_error + summary.n_broken_warn + summary.n_without_result
    yield paragraph(f"{summary.n_hold} of {summary.n_checks} checks hold.", style="warn" if n_open else "ok")
    yield facts(known)


def _tables(dataset: Dataset) -> Iterator[str]:
    yield heading("Tables")
    rows, styles = [], []
    for name, state in dataset.state().items():
        if name == REPORT or not state.is_wanted:
            continue
        built = state.built
        size = None if built is None else round(built.size_bytes / 1024)
        rows.append((name, state.standing, built and built.n_rows, size, "; ".join(state.why)))
        styles.append("" if state.standing == "built" else "warn")
    yield table(["table", "state", "rows", "kB", "why"], rows, styles=styles)


def _split(dataset: Dataset) -> Iterator[str]:
    try:
        manifest = dataset.read("split_manifest")
    except MissingInputError:
        return
    is_by_donor = level_of(manifest) not in (None, BY_CELL)
    yield heading("Train, validation and test")
    yield paragraph(
        "All cells of a donor are on one side."
        if is_by_donor
        else "The dataset names no donors, so single cells were split: one person can be on two sides."
    )
    counted = [pl.len().alias("donors")] if is_by_donor else []
    sides = manifest.group_by(SPLIT).agg(*counted, pl.col("n_cells").sum(), pl.col("n_eligible").sum())
    names = ["side", *(["donors"] if is_by_donor else []), "cells", "used"]
    yield table(names, sides.sort(SPLIT, descending=True, nulls_last=True).rows())
    if is_by_donor:
        shown = manifest.select("donor_id", SPLIT, FOLD, "n_cells", "n_eligible", "reason").head(_MOST_ROWS)
        yield table(["donor", "side", "fold", "cells", "used", "why"], shown.rows())


def _checks(report: ValidationReport) -> Iterator[str]:
    yield heading("Checks")
    checks = [(asset.asset, check) for asset in report.assets for check in asset.checks]
    checks.sort(key=lambda found: found[1].holds is True)
    yield table(
        ["", "table", "check", "what was found"],
        [(_standing(check), asset, check.claim, check.message) for asset, check in checks],
        styles=[_style(check) for _, check in checks],
    )


def _standing(check: CheckReport) -> str:
    if check.holds:
        return "holds"
    if check.holds is None:
        return "no result"
    return "broken" if check.severity == "ERROR" else "note"


def _style(check: CheckReport) -> str:
    return {"holds": "ok", "broken": "bad"}.get(_standing(check), "warn")


def _loading(dataset: Dataset) -> Iterator[str]:
    folder = f"datasets/{dataset.dataset_id}"
    yield heading("How to load it")
    yield paragraph("In Python, in the folder of the lake:")
    yield code(
        "import polars as pl\n"
        f"train = pl.scan_parquet({folder + '/train'!r}).select('cell_id', 'cell_sentence', 'age')\n"
        f"cells = pl.read_parquet({folder + '/cell_metadata.parquet'!r})"
    )
    yield code(
        "import c2s_assets\n"
        f"adata = c2s_assets.read_expression({dataset.dataset_id!r}, lake='.', genes=['CD3D', 'MS4A1'])"
    )
