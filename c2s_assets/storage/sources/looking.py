"""Looks into an h5ad before anything is built of it: what it holds, and what `datasets.yaml` should say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from c2s_assets.core.ages.proposals import propose_unit
from c2s_assets.core.cells.candidates import (
    ObsColumn,
    likely_ages,
    likely_cell_types,
    likely_donors,
    unit_in_name,
)
from c2s_assets.core.cells.judging import judge_cells
from c2s_assets.core.cells.metadata import ADDED_COLUMNS, describe_cells, split_columns
from c2s_assets.core.cells.proposals import propose_organism
from c2s_assets.core.cells.survey import ObsSurvey, survey_cells
from c2s_assets.core.columns import (
    FEATURE_ID,
    HAS_KNOWN_DONOR,
    IS_PRIMARY_DATA,
    ORGANISM,
    SEX,
    SYMBOL,
)
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes import claims as gene_claims
from c2s_assets.core.genes.features import describe_features
from c2s_assets.core.genes.proposals import propose_symbols
from c2s_assets.core.genes.var_columns import list_columns
from c2s_assets.core.reports.columns import example_values
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.core.spatial.spec import IN_H5AD
from c2s_assets.core.splits.manifest import split_donors
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.splits.summary import SplitSummary, describe_split
from c2s_assets.core.unreadable import unread_donors
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.storage.h5ad.frames import Frame
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.images.zarr_image import find_image
from c2s_assets.storage.sources.formats.tissue_folders import find_stained_image
from c2s_assets.storage.sources.profile import matrix_can_be_ranked, profile_h5ad, reads_every_column
from c2s_assets.storage.spatial.library import FULL, annotation_columns, has_image, read_library
from c2s_assets.storage.spatial.sample import has_places, says_microns
from c2s_assets.storage.tables.features import read_var

_CELLS_PER_BLOCK = 65_536
_ROWS_PER_BLOCK = 1024
_UNS_VALUES = 100
# A value, and what suggests it.
Proposal = tuple[str | dict[str, str], str]
# Nothing is written, so that no table says of which bytes it was made.
_NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class SeenColumn:
    """A column of obs or var: how many values it has, which for example, and what it is read for."""

    name: str
    n_distinct: int | None
    examples: str
    role: str = ""


@dataclass(frozen=True)
class Look:
    """What an h5ad holds, and how it would be read.

    Attributes
    ----------
    entry
        What `datasets.yaml` says of it already, with what is proposed besides.
    proposed
        Keys of the entry that are proposed, with what suggests each.
    findings
        What the checks of a build would find with that entry.
    split
        How its cells would be split with that entry.
    """

    profile: DatasetProfile
    organisms: list[str]
    obs: list[SeenColumn]
    var: list[SeenColumn]
    entry: DatasetEntry
    proposed: Mapping[str, str]
    findings: list[Finding]
    split: SplitSummary


def look_into(
    h5ad: H5ad, *, dataset_id: str, entry: DatasetEntry, spec: SplitSpec, source: Path | None = None
) -> Look:
    """Look into an open h5ad, and propose what its entry should say besides.

    Parameters
    ----------
    source
        What the h5ad was made of, if that is at hand.

    Raises
    ------
    SourceError
        Whatever keeps a build from reading it, or the columns that its entry names.
    """
    profile = profile_h5ad(
        h5ad, dataset_id=dataset_id, source_sha256=_NO_DIGEST, entry=entry, rows_per_block=_ROWS_PER_BLOCK
    )
    looker = _Looker(h5ad, profile, dataset_id, read_var(h5ad, profile=profile, entry=entry), source)
    proposed = dict(looker.proposals(entry))
    said = entry.model_dump(exclude_unset=True) | {key: value for key, (value, _) in proposed.items()}
    merged = DatasetEntry.model_validate(said)
    survey, cells, findings = looker.judge(merged)
    return Look(
        profile=profile,
        organisms=cells[ORGANISM].drop_nulls().unique(maintain_order=True).to_list(),
        obs=list(_see(h5ad.obs, looker.roles(survey))),
        var=list(_see(h5ad.var, {})),
        entry=merged,
        proposed={key: why for key, (_, why) in proposed.items()},
        findings=[matrix_can_be_ranked(profile), *findings, reads_every_column(profile)],
        split=describe_split(split_donors(split_columns(cells), spec=spec)),
    )


@dataclass(frozen=True)
class _Looker:
    """Reads cells and features as a build would, under one entry or another."""

    h5ad: H5ad
    profile: DatasetProfile
    dataset_id: str
    features: tuple[pl.Series, pl.DataFrame]
    source: Path | None

    @property
    def columns(self) -> list[ObsColumn]:
        """The columns of obs that can be read."""
        return [
            ObsColumn(column.name, column.dtype, column.encoding, column.n_distinct)
            for column in self.profile.obs_columns
            if column.not_read is None
        ]

    def proposals(self, entry: DatasetEntry) -> Iterator[tuple[str, Proposal]]:
        """Propose keys of the entry, each with its value and what suggests it, for what the checks miss."""
        survey, cells, _ = self.judge(entry)
        used, sources = survey.sources.used, survey.sources
        var_names, var = self.features
        described = describe_features(var_names, var, symbol_column=entry.symbol_column)
        organism = self.profile.organism or entry.organism
        if organism is None and not sources.organism:
            found = propose_organism(described[FEATURE_ID], described[SYMBOL])
            if found is not None:
                organism = found[0]
                yield "organism", found
        if not cells[HAS_KNOWN_DONOR].any():
            for column in likely_donors(self.columns, used=used)[:1]:
                yield "donor_column", (column.name, f"{column.n_distinct:,} values")
        if not cells["age_low"].is_not_null().any():
            yield from self._ages(used, organism)
        if sources.cell_type is None:
            for column in likely_cell_types(self.columns, used=used)[:1]:
                yield "cell_type_column", (column.name, f"{column.n_distinct:,} labels")
        if not gene_claims.symbols_are_known(described).holds:
            symbols = propose_symbols(var_names, var)
            if symbols is not None:
                yield "symbol_column", (symbols, "names most genes")
        names = [column.name for column in self.columns]
        if entry.spatial is None and has_places(self.h5ad, names):
            why = "obsm has positions in a tissue"
            if not says_microns(self.h5ad, names):
                why += "; how many microns their unit is has to be added, as um_per_unit"
            yield "spatial", (self._sections() | self._image(), why)

    def _sections(self) -> dict[str, str]:
        """Find the column of the elements of SpatialData that rows are of, if these are several."""
        annotation = annotation_columns(self.h5ad.uns(max_values=_UNS_VALUES))
        several = {column.name for column in self.columns if (column.n_distinct or 0) > 1}
        return {"section_column": annotation[0]} if annotation and annotation[0] in several else {}

    def _image(self) -> dict[str, str]:
        """Find the image of a tissue: in the file, or beside what it was made of."""
        library = read_library(self.h5ad)
        if has_image(self.h5ad, library, FULL):
            return {"image": f"{IN_H5AD}{FULL}"}
        if self.source is None:
            return {}
        if library.system is not None:
            found = find_image(self.source, system=library.system)
            return {} if found is None else {"image": str(found)}
        return find_stained_image(self.source)

    def _ages(self, used: frozenset[str], organism: str | None) -> Iterator[tuple[str, Proposal]]:
        for column in likely_ages(self.columns, used=used):
            values = self.h5ad.obs.read(column.name)
            found = propose_unit(values, unit_in_name=unit_in_name(column.name), organism=organism)
            if found is None:
                continue
            yield "age_column", (column.name, example_values(values))
            if found.unit not in (None, "years"):
                yield "age_unit", (found.unit, found.why)
            return

    def judge(self, entry: DatasetEntry) -> tuple[ObsSurvey, pl.DataFrame, list[Finding]]:
        """Read the cells and features under an entry, and find what the checks of a build would."""
        organism = self.profile.organism or entry.organism
        names = [column.name for column in self.columns]
        survey = survey_cells(names, self.h5ad.obs.read, entry=entry, organism=organism)
        cells = self._describe(survey, entry)
        unread = unread_donors(entry, self.profile.obs_not_read)
        of_cells = judge_cells(cells, survey=survey, columns=self.columns, unread=unread)
        return survey, cells, [*of_cells, *self._judge_features(cells, entry)]

    def _judge_features(self, cells: pl.DataFrame, entry: DatasetEntry) -> Iterator[Finding]:
        var_names, var = self.features
        features = describe_features(var_names, var, symbol_column=entry.symbol_column)
        listing = list_columns([var_names.alias("index"), *var])
        yield gene_claims.symbols_are_known(features)
        yield gene_claims.features_have_symbols(features, listing=listing)
        yield gene_claims.words_look_like_genes(
            features, cells, listing=listing, hgnc=None, is_named=entry.symbol_column is not None
        )

    def _describe(self, survey: ObsSurvey, entry: DatasetEntry) -> pl.DataFrame:
        sources = survey.sources
        asked = (*sources.used, *sources.organism, sources.cell_type, IS_PRIMARY_DATA, SEX)
        names = [column.name for column in self.columns if column.name in asked]
        blocks = (
            describe_cells(
                cell_ids,
                obs,
                survey=survey,
                dataset_id=self.dataset_id,
                entry=entry,
                organism=self.profile.organism,
            )
            for cell_ids, obs in self.h5ad.obs.blocks(names, rows=_CELLS_PER_BLOCK)
        )
        kept = (*ADDED_COLUMNS, SEX)
        return pl.concat([block.select(name for name in kept if name in block.columns) for block in blocks])

    def roles(self, survey: ObsSurvey) -> dict[str, str]:
        """Say what each column of obs is read for, or might be."""
        sources = survey.sources
        roles = {column.name: "a donor?" for column in likely_donors(self.columns, used=())}
        roles |= {column.name: "an age?" for column in likely_ages(self.columns, used=())}
        roles |= {column.name: "a cell type?" for column in likely_cell_types(self.columns, used=())}
        roles |= dict.fromkeys(sources.organism, "organism") | dict.fromkeys(sources.of_age, "age")
        read = {sources.donor: "donor", sources.cell_type: "cell type"}
        return roles | {name: role for name, role in read.items() if name is not None}


def _see(frame: Frame, roles: Mapping[str, str]) -> Iterator[SeenColumn]:
    for column, values in frame.read_each():
        if values is None:
            yield SeenColumn(column.name, None, f"not read: {column.problem}")
        else:
            n_distinct = values.drop_nulls().n_unique()
            yield SeenColumn(column.name, n_distinct, example_values(values), roles.get(column.name, ""))
