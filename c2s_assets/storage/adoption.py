"""Gives a record to a dataset that a c2s_assets without records has built; nothing is built again for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from c2s_assets.core.errors import C2SError
from c2s_assets.schemas.documents import CheckReport, DatasetProfile, Provenance, ValidationReport
from c2s_assets.schemas.record import Built, MadeFrom, Record
from c2s_assets.schemas.registry import CELLS, FEATURES, MANIFEST, PROFILE, RAW, SENTENCES, TABLES
from c2s_assets.storage.lake.digest import files_of_tree, tree_digest
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables.inputs import SOURCE, count_rows_of
from c2s_assets.storage.tables.parquet import read_footer

# Versions of the steps of the last c2s_assets without records, where they were not the first.
_VERSIONS = {
    PROFILE: "3",
    CELLS: "4",
    MANIFEST: "2",
    FEATURES: "4",
    "train_test": "3",
    "projections": "2",
    "expression_matrix": "2",
}
# Where the footer of a table states the settings that it was made by, and the section they are of.
_SPECS = {SENTENCES: "sentences", MANIFEST: "split"}


def adopt_tables(layout: Layout, dataset_id: str, *, settings: Mapping[str, Mapping[str, Any]]) -> Record:
    """Make a record of the tables that are there, from what they say of themselves.

    Settings that a table states in no footer are taken to be as they are now. A table that cannot be read is
    left out, and so has to be built again.

    Parameters
    ----------
    settings
        For each asset what decides it now, as `DatasetsFile.values` gives it.
    """
    record = Record(dataset_id=dataset_id)
    checks = _checks(layout, dataset_id)
    for asset in TABLES:
        try:
            built = _built(layout, asset, record, settings=settings[asset], checks=checks.get(asset, []))
        except (C2SError, pa.ArrowException, OSError):
            continue
        if built is not None:
            record = record.with_built(asset, built)
    return record


def _built(
    layout: Layout,
    asset: str,
    record: Record,
    *,
    settings: Mapping[str, Any],
    checks: list[CheckReport],
) -> Built | None:
    """Say of an asset what its build would have kept; None if it is not there."""
    targets = layout.places(asset, record.dataset_id)
    places = [place for place in targets if place.exists()]
    files = {
        str(file.relative_to(layout.root)): file.stat().st_size
        for place in places
        for file in files_of_tree(place)
    }
    if not files:
        return None
    source = _source(layout, asset, places)
    inputs = TABLES[asset].inputs(settings)
    return Built(
        files=files,
        n_rows=count_rows_of(asset, places),
        digest=source if asset == RAW else tree_digest(*targets),
        made_from=MadeFrom(
            source_sha256=source,
            inputs={name: record.built[name].digest for name in inputs if name in record.built},
            settings={**settings, **_stated(asset, places, settings)},
            code_version=_VERSIONS.get(asset, "1"),
        ),
        checks=checks,
    )


def _source(layout: Layout, asset: str, places: list[Path]) -> str:
    """Read which source an asset was made from; of `uns` the profile says it, which was made with it."""
    folder = places[0].parent
    match asset:
        case "raw_h5ad":
            return read_document(layout.raw_provenance(places[0].stem), Provenance).sha256
        case "validation_report":
            return read_document(places[0], ValidationReport).source_sha256
        case "dataset_profile" | "unstructured_metadata":
            return read_document(layout.profile(folder.name), DatasetProfile).source_sha256
        case "projections":
            return str(read_footer(next(files_of_tree(places[0]))).get(SOURCE))
        case _:
            return str(read_footer(places[0]).get(SOURCE))


def _stated(asset: str, places: list[Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Tell the settings that a table says it was made by, where they are not those of now."""
    if asset not in _SPECS:
        return {}
    spec = read_footer(places[0]).get("spec")
    said = spec if isinstance(spec, dict) else {}
    of_section = {f"{_SPECS[asset]}.{name}": value for name, value in said.items()}
    return {
        name: value
        for name, value in of_section.items()
        if name in settings and _as_said(settings[name]) != value
    }


def _as_said(setting: object) -> object:
    """Of gene lists a footer names which there are, and not the genes."""
    return ", ".join(sorted(setting)) or "none" if isinstance(setting, Mapping) else setting


def _checks(layout: Layout, dataset_id: str) -> dict[str, list[CheckReport]]:
    try:
        report = read_document(layout.validation_report(dataset_id), ValidationReport)
    except C2SError:
        return {}
    return {
        asset.asset: [check for check in asset.checks if check.holds is not None] for asset in report.assets
    }
