"""What a selection of CELLxGENE Discover asks for in vain: words and ids, and demands that contradict."""

import difflib
import re
from collections.abc import Mapping, Sequence

import polars as pl

from c2s_assets.core.cells.labels import members
from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.discover.records import COLLECTION_ID, H5AD_URL, N_ABSENT
from c2s_assets.core.settings import Selection

_TERM_ID = re.compile(r"[A-Za-z]+:[A-Za-z0-9]+")


def unknown_labels(listing: pl.DataFrame, selection: Selection, names: Sequence[str]) -> list[str]:
    """Name the labels of these filters that no dataset of the listing has, with what may be meant."""
    problems = []
    for name in names:
        wanted = getattr(selection, name)
        if not wanted:
            continue
        joined = listing[name].explode().drop_nulls()
        labels = pl.Series(name, [m for label in joined for m in members(label)], pl.String)
        known = {label.casefold(): label for label in labels.unique().sort()}
        for label in dict.fromkeys(member for joined_label in wanted for member in members(joined_label)):
            if label.casefold() not in known:
                hint = _label_hint(label, name, labels, known)
                problems.append(f"cellxgene: {name}: no dataset of the listing has {label!r}{hint}")
    return problems


def wrong_kind(listing: pl.DataFrame, selection: Selection) -> list[str]:
    """Name what stands in `datasets` and is a collection, and what stands in `collections` and is none."""
    datasets, collections = _ids(listing, DATASET_ID), _ids(listing, COLLECTION_ID)
    problems = []
    for name in selection.collections:
        if name.casefold() in collections:
            continue
        if name.casefold() in datasets:
            why = f"{name} is a dataset: name it under datasets."
        else:
            why = f"no dataset of the listing has {name!r}."
        problems.append(f"cellxgene: collections: {why}")
    return problems + [
        f"cellxgene: datasets: {name} is a collection: name it under collections."
        for name in selection.datasets
        if name.casefold() in collections - datasets
    ]


def not_offered(listing: pl.DataFrame, selection: Selection) -> list[str]:
    """Say of ids that the selection names why there is nothing to take."""
    rows = {
        row[DATASET_ID].casefold(): row
        for row in listing.select(DATASET_ID, N_ABSENT, H5AD_URL).rows(named=True)
    }
    collections = _ids(listing, COLLECTION_ID)
    problems = []
    for name in sorted({*selection.datasets, *selection.exclude}):
        row = rows.get(name.casefold())
        if row is None:
            if name.casefold() not in collections:
                problems.append(f"cellxgene: {name!r} is not in the listing.")
        elif row[N_ABSENT]:
            problems.append(f"cellxgene: {name} was missing from the last listing; it is not fetched.")
        elif row[H5AD_URL] is None:
            problems.append(f"cellxgene: {name} has no h5ad.")
    return problems


def contradictions(listing: pl.DataFrame, selection: Selection) -> list[str]:
    """Name what is both asked for and excluded."""
    excluded = {name.casefold() for name in selection.exclude}
    collection_of = {
        dataset_id.casefold(): collection_id
        for dataset_id, collection_id in listing.select(DATASET_ID, COLLECTION_ID).rows()
    }
    problems = []
    for section in ("datasets", "collections"):
        for name in getattr(selection, section):
            collection = collection_of.get(name.casefold()) if section == "datasets" else None
            if name.casefold() in excluded:
                problems.append(f"cellxgene: {name} stands in {section} and in exclude; exclude wins.")
            elif collection is not None and collection.casefold() in excluded:
                problems.append(
                    f"cellxgene: {name} stands in datasets and its collection {collection} in exclude; "
                    f"exclude wins."
                )
    return problems


def no_dataset_passes(alone: Mapping[str, int]) -> str:
    """Say that filters leave no dataset, and how many each leaves by itself."""
    names = list(alone)
    if len(names) == 1:
        return f"cellxgene: no dataset passes the filter {names[0]}."
    counts = ", ".join(f"{name} leaves {n:,}" for name, n in alone.items())
    return f"cellxgene: no dataset passes all filters; alone, {counts}."


def _label_hint(label: str, name: str, labels: pl.Series, known: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(label.casefold(), known, n=3)
    if close:
        return f"; did you mean {', '.join(known[value] for value in close)}?"
    seen = f"c2s select --values {name} lists what there is."
    if _TERM_ID.fullmatch(label) and not labels.is_empty():
        frequent = labels.value_counts(name="n").sort("n", name, descending=[True, False])[name][0]
        return f"; {name} takes labels such as {frequent!r}, not ids of terms. {seen}"
    return f". {seen}"


def _ids(listing: pl.DataFrame, column: str) -> set[str]:
    return {name.casefold() for name in listing[column]}
