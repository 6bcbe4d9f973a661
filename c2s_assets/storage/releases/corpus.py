"""Stages a corpus: the training table of many datasets as files of one schema, and what proves its split."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.hashes import short_id
from c2s_assets.core.releases.card import CARD, CorpusFigures, Source, render_card
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.core.splits.certificate import CERTIFICATE, parse_certificate
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import MANIFEST, PROFILE, SIDES_OF_DATASET
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.choosing import present_tables
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.documents import read_document, write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.releases.staged import (
    describe_files,
    is_whole,
    link_or_copy,
    read_release,
    release_entry,
)
from c2s_assets.storage.sources.listing import withdrawn_datasets
from c2s_assets.storage.splits.certifying import certify
from c2s_assets.storage.training import UniformTable

# Of what a release is made by: raised when the same tables come to other files.
_FORM = 1


def stage_corpus(staged: Stage, layout: Layout, settings: DatasetsFile, name: str) -> ReleaseDocument:
    """Write a release into a stage, and return its document; committing the stage puts it in its place.

    Of datasets that are as they were, the files of the last staging are taken as hard links. If all is as it
    was, nothing is written, and the document is that of the last staging.

    Raises
    ------
    UnknownNameError
        If `datasets.yaml` does not describe the release, or the lake has no such dataset.
    MissingInputError
        If the table of a dataset is missing or outdated, is built anew meanwhile, or no side has a row.
    """
    entry = release_entry(settings, name)
    wanted = chosen_datasets(layout, entry)
    tables = present_tables(layout, settings, SIDES_OF_DATASET, wanted)
    beside = [present_tables(layout, settings, name, list(tables)) for name in (MANIFEST, PROFILE)]
    gene_lists = list(settings.sentences.gene_lists)
    made_from = {name: short_id([_FORM, gene_lists, built.digest]) for name, built in tables.items()}
    inputs = _inputs(layout, entry, made_from, beside)
    last = read_release(layout, name)
    if last is not None and last.inputs == inputs and is_whole(layout.release(name), last):
        return last
    folder = staged.path(layout.release(name))
    folder.mkdir()
    kept = {
        dataset_id
        for dataset_id in tables
        if last is not None and last.made_from.get(dataset_id) == made_from[dataset_id]
        if _link_files(layout.release(name), folder, dataset_id, last)
    }
    table = UniformTable(layout, gene_lists, part_name="chunk_{:04d}.parquet")
    for dataset_id, built in tables.items():
        if dataset_id not in kept:
            table.write_sides(folder / dataset_id, {dataset_id: built})
    if present_tables(layout, settings, SIDES_OF_DATASET, list(tables)) != tables:
        raise MissingInputError("a dataset was built anew while it was staged. Run it again.")
    _describe(folder, layout, name, entry, tables)
    certificate = parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE)
    document = ReleaseDocument(
        name=name,
        plan_version=certificate.plan_version,
        inputs=inputs,
        made_from=made_from,
        files=describe_files(folder, {path: mark.sha256 for path, mark in certificate.files.items()}),
    )
    write_document(folder / RELEASE_DOCUMENT, document)
    return document


def chosen_datasets(layout: Layout, entry: ReleaseEntry) -> list[str] | None:
    """Return the datasets that are named without those that were withdrawn; None for all.

    Raises
    ------
    MissingInputError
        If all that are named were withdrawn.
    """
    if not entry.datasets:
        return None
    withdrawn = withdrawn_datasets(layout)
    chosen = [dataset_id for dataset_id in entry.datasets if dataset_id not in withdrawn]
    if not chosen:
        raise MissingInputError("all datasets of the release were withdrawn. Name others in datasets.yaml.")
    return chosen


def _inputs(
    layout: Layout,
    entry: ReleaseEntry,
    made_from: Mapping[str, str],
    beside: Sequence[Mapping[str, Built]],
) -> str:
    shared = (layout.split_plan, layout.leaks, layout.audited_datasets)
    return short_id(
        {
            "form": _FORM,
            "entry": entry.content,
            "tables": dict(made_from),
            "beside": [{name: built.digest for name, built in tables.items()} for tables in beside],
            "shared": {path.name: file_digest(path) for path in shared if path.exists()},
        }
    )


def _link_files(before: Path, folder: Path, dataset_id: str, last: ReleaseDocument) -> bool:
    """Give the files of a dataset a second name in a new staging; False, and none, if they are not there."""
    names = [path for path in last.files if path.startswith(f"{dataset_id}/")]
    for name in names:
        old, new = before / name, folder / name
        if not old.exists() or old.stat().st_size != last.files[name].size_bytes:
            shutil.rmtree(folder / dataset_id, ignore_errors=True)
            return False
        new.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(old, new)
    return True


def _describe(
    folder: Path, layout: Layout, name: str, entry: ReleaseEntry, tables: Mapping[str, Built]
) -> None:
    """Write what is beside the files of datasets: the proof of the split, and the card."""
    sides = {
        dataset_id: tuple(side for side in SIDES if (folder / dataset_id / side).is_dir())
        for dataset_id in tables
    }
    if not any(sides.values()):
        raise MissingInputError(
            "no dataset of the release has a cell on any side. See why with: c2s show DATASET."
        )
    certify(folder, layout, tables)
    certificate = parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE)
    card = render_card(name, entry, CorpusFigures(sides, certificate, _sources(layout, tables)))
    (folder / CARD).write_text(card, encoding="utf-8")


def _sources(layout: Layout, dataset_ids: Iterable[str]) -> dict[str, Source]:
    """Read where datasets are from, as their files or `datasets.yaml` say."""
    found = {}
    for dataset_id in dataset_ids:
        origin = read_document(layout.profile(dataset_id), DatasetProfile).origin
        found[dataset_id] = Source(origin.title, origin.licence, origin.publication_doi, origin.collection_id)
    return found
