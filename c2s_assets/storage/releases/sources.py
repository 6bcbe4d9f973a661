"""Sources of a release: read in the lake, written beside its cells, and read again from there."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from c2s_assets.core.cells.provenance import Publication, publication_of
from c2s_assets.core.emails import without_emails
from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.core.releases.sources import DoiRecord, Source
from c2s_assets.schemas.arrow import arrow_schema, frame_schema
from c2s_assets.schemas.documents import DatasetProfile, Provenance
from c2s_assets.schemas.published import ReleaseSources
from c2s_assets.schemas.registry import SENTENCES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_document, read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import read_collections
from c2s_assets.storage.sources.publications import read_publications
from c2s_assets.storage.tables.parquet import read_footer, read_table, with_metadata, write_table

SOURCES = "sources.parquet"
_SPEC = ("top_n", "tie", "seed", "symbols", "gene_lists")
_OF_RECORD = {
    "record_title": "title",
    **{name: name for name in ("journal", "published_year", "authors")},
}
_UNDER_THEIR_NAMES = (
    "dataset_id",
    "title",
    "organism",
    "licence",
    "licence_is_assumed",
    "citation",
    "doi",
    "collection_id",
    "dataset_version_id",
    "source_url",
    "source_sha256",
    "layer",
    "values",
)


def read_sources(
    layout: Layout, dataset_ids: Collection[str], *, licence_of_others: str | None = None
) -> list[Source]:
    """Read where datasets are from: what their files, `datasets.yaml` and the listing of Discover say.

    Parameters
    ----------
    licence_of_others
        Licence of those of which none is stated.
    """
    records, listed, settings = (
        _records(layout),
        read_publications(layout, dataset_ids),
        read_settings(layout),
    )
    found = (
        _source(Dataset(layout, dataset_id, settings), listed.get(dataset_id), records)
        for dataset_id in dataset_ids
    )
    if licence_of_others is None:
        return list(found)
    return [
        replace(one, licence=licence_of_others, licence_is_assumed=True) if one.licence is None else one
        for one in found
    ]


def write_sources(folder: Path, sources: Iterable[Source]) -> None:
    """Write them as a table of a release."""
    schema = with_metadata(arrow_schema(ReleaseSources), {"table": "sources"})
    rows = pl.DataFrame([_row(source) for source in sources], schema=frame_schema(ReleaseSources))
    write_table(folder / SOURCES, rows, schema=schema)


def published_sources(folder: Path) -> list[Source]:
    """Read what `write_sources` wrote."""
    return [_of_row(row) for row in read_table(folder / SOURCES).iter_rows(named=True)]


def _source(dataset: Dataset, listed: Publication | None, records: Mapping[str, DoiRecord]) -> Source:
    layout, dataset_id = dataset.layout, dataset.dataset_id
    profile = read_document(layout.profile(dataset_id), DatasetProfile)
    file = read_document(layout.raw_provenance(dataset_id), Provenance)
    origin = profile.origin_by(dataset.entry)
    known = publication_of(origin, listed=listed)
    return Source(
        dataset_id=dataset_id,
        title=_plain(origin.title),
        organism=_plain(profile.organism),
        licence=_plain(origin.licence),
        citation=_plain(origin.citation),
        doi=_plain(known.doi),
        record=records.get((known.doi or "").lower(), DoiRecord()),
        collection_id=known.collection_id,
        dataset_version_id=file.dataset_version_id,
        source_url=_plain(file.url),
        source_sha256=profile.source_sha256,
        layer=profile.layer,
        values=profile.verdict.kind,
        sentences=_spec_of_sentences(layout, dataset_id),
    )


def _records(layout: Layout) -> dict[str, DoiRecord]:
    """Read what the catalogue knows of publications, by DOI in lower case."""
    collections = read_collections(layout)
    if collections is None:
        return {}
    known = collections.drop_nulls("doi").select("doi", "name", "journal", "published_year", "authors")
    return {
        doi.lower(): DoiRecord(title, journal, year, tuple(authors or ()))
        for doi, title, journal, year, authors in known.iter_rows()
    }


def _spec_of_sentences(layout: Layout, dataset_id: str) -> dict[str, str] | None:
    """Read the spec that sentences were written by, if they are still in the lake."""
    with suppress(MissingInputError, LakeError):
        spec = read_footer(layout.parts(SENTENCES, dataset_id)).get("spec")
        return {name: str(spec[name]) for name in _SPEC if name in spec} if isinstance(spec, dict) else None
    return None


def _plain(text: str | None) -> str | None:
    return text and without_emails(text)


def _row(source: Source) -> dict[str, Any]:
    return {
        **{name: getattr(source, name) for name in _UNDER_THEIR_NAMES},
        **{column: getattr(source.record, name) for column, name in _OF_RECORD.items()},
        **{name: (source.sentences or {}).get(name) for name in _SPEC},
    }


def _of_row(row: Mapping[str, Any]) -> Source:
    spec = {name: row[name] for name in _SPEC if row[name] is not None}
    record = DoiRecord(**{name: row[column] for column, name in _OF_RECORD.items()})
    return Source(record=record, sentences=spec or None, **{name: row[name] for name in _UNDER_THEIR_NAMES})
