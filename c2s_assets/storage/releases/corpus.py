"""Stages a corpus: the training table of many datasets as files of one schema, and what proves its split."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.core.splits.certificate import CERTIFICATE, parse_certificate
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.lake.documents import write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.releases.beside import owner_of, write_beside, write_vocabulary
from c2s_assets.storage.releases.code import note_code, release_as_it_was
from c2s_assets.storage.releases.describing import problems_of_licences, write_description
from c2s_assets.storage.releases.facts import INFLATION
from c2s_assets.storage.releases.parts import find_parts
from c2s_assets.storage.releases.sources import read_sources, write_sources
from c2s_assets.storage.releases.staged import (
    describe_files,
    link_or_copy,
    read_release,
    release_entry,
)
from c2s_assets.storage.splits.certifying import certify
from c2s_assets.storage.training import UniformTable


def stage_corpus(staged: Stage, layout: Layout, settings: DatasetsFile, name: str) -> ReleaseDocument:
    """Write a release into a stage, and return its document; committing the stage puts it in its place.

    Of datasets that are as they were, the files of the last staging are taken as hard links. If all is as it
    was, and the code too, nothing is written, and the document is that of the last staging.

    Raises
    ------
    UnknownNameError
        If `datasets.yaml` does not describe the release, or the lake has no such dataset.
    MissingInputError
        If the table of a dataset is missing or outdated, is built anew meanwhile, or no side has a row.
    """
    entry = release_entry(settings, name)
    parts = find_parts(layout, settings, entry)
    gene_lists = list(settings.sentences.gene_lists)
    made_from = parts.made_from(gene_lists)
    inputs = parts.inputs(layout, entry, made_from)
    if (same := release_as_it_was(layout, name, inputs=inputs)) is not None:
        return same
    folder = staged.path(layout.release(name))
    folder.mkdir()
    kept = _keep_files(layout.release(name), folder, made_from, read_release(layout, name))
    table = UniformTable(layout, gene_lists, part_name="chunk_{:04d}.parquet")
    for dataset_id, built in parts.sides.items():
        if dataset_id not in kept:
            table.write_sides(folder / dataset_id, {dataset_id: built})
            write_beside(folder, layout, dataset_id, parts.beside[dataset_id])
    _write_what_is_told(folder, layout, entry, parts.sides)
    if find_parts(layout, settings, entry) != parts:
        raise MissingInputError("a dataset was built anew while it was staged. Run it again.")
    write_description(folder, name, entry)
    certificate = parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE)
    document = ReleaseDocument(
        name=name,
        plan_version=certificate.plan_version,
        inputs=inputs,
        made_from=made_from,
        licence_problems=problems_of_licences(folder, entry),
        yanked=entry.yanked,
        files=describe_files(folder, {path: mark.sha256 for path, mark in certificate.files.items()}),
    )
    write_document(folder / RELEASE_DOCUMENT, document)
    note_code(staged, layout, name)
    return document


def _keep_files(
    before: Path, folder: Path, made_from: Mapping[str, str], last: ReleaseDocument | None
) -> set[str]:
    """Give the files of datasets that are as they were a second name in a new staging; return which."""
    kept: set[str] = set()
    if last is None:
        return kept
    of_datasets: dict[str | None, list[str]] = {}
    for path in last.files:
        of_datasets.setdefault(owner_of(path), []).append(path)
    for dataset_id, digest in made_from.items():
        names = of_datasets.get(dataset_id, [])
        if last.made_from.get(dataset_id) == digest and _are_there(before, names, last):
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(before / name, folder / name)
            kept.add(dataset_id)
    return kept


def _are_there(before: Path, names: Iterable[str], last: ReleaseDocument) -> bool:
    found = {name: before / name for name in names}
    return all(
        path.exists() and path.stat().st_size == last.files[name].size_bytes for name, path in found.items()
    )


def _write_what_is_told(
    folder: Path, layout: Layout, entry: ReleaseEntry, tables: Mapping[str, Built]
) -> None:
    """Write what the card tells of beside the cells: proof of their split, their sources, their words."""
    if not any((folder / dataset_id / side).is_dir() for dataset_id in tables for side in SIDES):
        raise MissingInputError(
            "no dataset of the release has a cell on any side. See why with: c2s show DATASET."
        )
    certify(folder, layout, tables)
    sources = read_sources(layout, list(tables), licence_of_others=entry.licence_of_sources)
    write_sources(folder, sources)
    write_vocabulary(folder, layout, tables)
    if layout.leak_inflation.exists():
        shutil.copyfile(present(layout.leak_inflation), folder / INFLATION)
