"""A dataset of the lake: its source, its tables, and how each of them stands."""

import os
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl
import pyarrow as pa

from c2s_assets.core.cells.provenance import Origin
from c2s_assets.core.columns import DONOR_UID
from c2s_assets.core.errors import LakeError, MissingInputError, NewerLakeError
from c2s_assets.core.settings import DatasetEntry, DatasetsFile
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.documents import CheckReport, DatasetProfile, Provenance
from c2s_assets.schemas.record import Built, MadeFrom, Record, Refused
from c2s_assets.schemas.registry import CELLS, PROFILE, RAW, SHARED, SPLIT_PLAN, TABLES, Declaration
from c2s_assets.storage.adoption import adopt_tables
from c2s_assets.storage.lake.digest import files_of_tree, known_digest, sampled_digest, tree_digest
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.lake.staging import Stage, commit_record, stage
from c2s_assets.storage.sources.listing import listed_collections
from c2s_assets.storage.sources.provenance import read_provenance
from c2s_assets.storage.splits.marks import plan_marks
from c2s_assets.storage.tables.inputs import count_rows_of, footer, gene_symbols_version
from c2s_assets.storage.tables.parquet import (
    iter_table,
    iter_text,
    least_text,
    read_table,
    with_metadata,
    write_blocks,
    write_table,
)

if TYPE_CHECKING:  # see open_h5ad
    from c2s_assets.storage.h5ad.source import H5ad

Standing = Literal["built", "outdated", "missing"]

# The part of an entry that names files beside the source.
_NAMES_FILES = "entry.spatial"
# What the cells were made from beside tables and files: the collection, which is in the ids of donors.
_COLLECTION = "collection as listed"
# What stands for a table of the whole lake that is not there, and for a collection that is not known.
_NOT_HELD = "none"


@dataclass(frozen=True)
class AssetState:
    """How an asset stands.

    Attributes
    ----------
    why
        What it is outdated by, or what of it is missing; empty if it is built.
    built
        What the record says of it, if it is there at all.
    refused
        The last try that came to nothing, if one came after it was built.
    """

    asset: str
    standing: Standing
    why: tuple[str, ...] = ()
    built: Built | None = None
    refused: Refused | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether a dataset should have it: not if it has to be asked for, and never was."""
        return TABLES[self.asset].is_default or self.built is not None

    @property
    def is_problem(self) -> bool:
        """Whether it is not as it should be; one that has to be asked for may be missing."""
        return self.is_wanted and self.standing != "built"


@dataclass(frozen=True)
class DatasetStage:
    """A place to write one asset before it takes its place; made by `Dataset.stage`."""

    dataset: "Dataset"
    asset: str
    targets: tuple[Path, ...]
    made_from: MadeFrom
    _stage: Stage

    @property
    def target(self) -> Path:
        """Where the asset will be; of an asset with several folders, the first."""
        return self.targets[0]

    @property
    def folder(self) -> Path:
        """Room for what is needed meanwhile."""
        return self._stage.folder

    def path(self, target: Path | None = None) -> Path:
        """Where to write what will become `target`, by default the only one of the asset."""
        if target is None:
            (target,) = self.targets
        return self._stage.path(target)

    def write(
        self,
        blocks: Iterable[pl.DataFrame | pa.Table],
        *,
        rows_per_group: int | None = None,
        plain: Collection[str] = (),
        rows_per_draw: int | None = None,
        **says: object,
    ) -> int:
        """Write the asset's table block by block, with the types that are declared; return its rows.

        Parameters
        ----------
        rows_per_group, plain, rows_per_draw
            See `TableWriter`.
        says
            What its footer says beside what every footer does.
        """
        return write_blocks(
            self.path(),
            blocks,
            model=TABLES[self.asset].model,
            footer=footer(self.asset, self.dataset.profile, **says),
            rows_per_group=rows_per_group,
            plain=plain,
            rows_per_draw=rows_per_draw,
        )

    def write_no_rows(self, **says: object) -> None:
        """Write the asset's table of parts without a row; see `write`."""
        schema = arrow_schema(TABLES[self.asset].model)
        says = footer(self.asset, self.dataset.profile, **says)
        part = self.path() / "part-00000.parquet"
        write_table(part, schema.empty_table(), schema=with_metadata(schema, says))

    def written(self, *, rows: int | None = None, is_text: bool = False) -> Generator[pl.DataFrame]:
        """Read what was written, block by block; of sides, one after the other. See `iter_table`.

        Parts that are mostly text are read two at once, see `iter_text`.
        """
        read = iter_text if is_text else iter_table
        for target in self.targets:
            if (path := self.path(target)).exists():
                yield from read(path, rows=rows)

    def commit(self, checks: Sequence[CheckReport]) -> Built:
        """Let what was written take its place, together with its record."""
        built = Built(
            files=self._files(),
            n_rows=count_rows_of(self.asset, [self.path(target) for target in self.targets]),
            digest=tree_digest(*(self.path(target) for target in self.targets)),
            made_from=self.made_from,
            checks=list(checks),
        )
        self._stage.commit(*self.targets, record=lambda record: record.with_built(self.asset, built))
        return built

    def _files(self) -> dict[str, int]:
        found = {}
        for target in self.targets:
            written = self.path(target)
            for file in files_of_tree(written):
                place = target if file == written else target / file.relative_to(written)
                found[str(place.relative_to(self.dataset.layout.root))] = file.stat().st_size
        return found


def source_built(layout: Layout, dataset_id: str, source: Provenance, checks: Sequence[CheckReport]) -> Built:
    """Say of a source file what the record keeps."""
    name = str(layout.raw_h5ad(dataset_id).relative_to(layout.root))
    return Built(
        files={name: source.size_bytes},
        n_rows=None,
        digest=source.sha256,
        made_from=MadeFrom(
            source_sha256=source.sha256,
            inputs={},
            settings={},
            code_version=TABLES[RAW].code_version,
        ),
        checks=list(checks),
    )


@dataclass(frozen=True)
class Dataset:
    """One dataset of a lake, as `datasets.yaml` wants it."""

    layout: Layout
    dataset_id: str
    settings: DatasetsFile

    @property
    def source(self) -> Provenance:
        """What is known of the source file; see `read_provenance` for what is raised."""
        return read_provenance(self.layout, dataset_id=self.dataset_id)

    @property
    def entry(self) -> DatasetEntry:
        """What `datasets.yaml` says of this dataset alone."""
        return self.settings.entry(self.dataset_id)

    @cached_property
    def profile(self) -> DatasetProfile:
        """The profile of the present source file, made by the present settings.

        Raises
        ------
        MissingInputError
            If there is none.
        """
        self._require(PROFILE)
        return read_document(self.layout.profile(self.dataset_id), DatasetProfile)

    @property
    def origin(self) -> Origin:
        """What is known of its publication; see `profile` for what is raised."""
        return self.profile.origin_by(self.entry)

    @property
    def collection_id(self) -> str | None:
        """The collection that it is in, as its file says or else the listing; None if neither does.

        Raises
        ------
        MissingInputError
            If there is no profile of the present source file.
        """
        return self.origin.collection_id or listed_collections(self.layout).get(self.dataset_id)

    def path(self, asset: str) -> Path:
        """Return the file or folder of a table that is built.

        Raises
        ------
        MissingInputError
            If it is not there, or not made from the present source and settings.
        """
        self._require(asset)
        return self.layout.places(asset, self.dataset_id)[0]

    def read(self, asset: str, *, columns: list[str] | None = None) -> pl.DataFrame:
        """Read a table of one file or of parts; see `path` for what is raised."""
        return read_table(self.path(asset), columns=columns)

    @contextmanager
    def open_h5ad(self, *, scratch: Path | None = None) -> Iterator["H5ad"]:
        """Open the source file; see `open_source`."""
        # Who only reads tables does without HDF5, scipy and the half second that they take.
        from c2s_assets.storage.sources.raw import open_source  # noqa: PLC0415

        with open_source(self.layout, dataset_id=self.dataset_id, scratch=scratch) as h5ad:
            yield h5ad

    @contextmanager
    def stage(self, asset: str) -> Iterator[DatasetStage]:
        """Open a place to write an asset, and keep what it is made from as it is now.

        Raises
        ------
        MissingInputError
            If a table that it reads is not built.
        """
        targets = tuple(self.layout.places(asset, self.dataset_id))
        with stage(self.layout, self.dataset_id) as staged:
            yield DatasetStage(self, asset, targets, self._made_from(asset), staged)

    @contextmanager
    def stage_from_source(self, asset: str) -> Iterator["tuple[DatasetStage, H5ad]"]:
        """Open a place to write an asset, as `stage`, and the source file, as `open_h5ad`."""
        with self.stage(asset) as staged, self.open_h5ad(scratch=staged.folder) as h5ad:
            yield staged, h5ad

    def take_source(self, source: Provenance, checks: Sequence[CheckReport]) -> None:
        """Record which source file is in place, and what its checks found."""
        built = source_built(self.layout, self.dataset_id, source, checks)
        known = self._known_record()
        if known.built.get(RAW) == built and RAW not in known.refused:
            return
        commit_record(self.layout, self.dataset_id, lambda record: record.with_built(RAW, built))

    def refuse(self, asset: str, message: str, *, checks: Sequence[CheckReport] = ()) -> None:
        """Record that nothing was published of an asset, and why; what was there before stays."""
        self._known_record()  # of tables without a record, before there is one that says nothing of them
        refused = Refused(source_sha256=self._source_sha256(), message=message, checks=list(checks))
        commit_record(self.layout, self.dataset_id, lambda record: record.with_refused(asset, refused))

    def record(self) -> Record:
        """Return the record, see `read_record`; tables of an earlier c2s_assets get one."""
        has_tables = self.layout.dataset(self.dataset_id).is_dir()
        if has_tables and not self.layout.record(self.dataset_id).exists():
            return self._adopt()
        return read_record(self.layout, self.dataset_id)

    def state(self) -> dict[str, AssetState]:
        """Tell how each asset stands, in the order in which they are built.

        The record is compared with what lies in the dataset's folder, so that a file which was removed or
        replaced by hand is noticed; with the source file; and with `datasets.yaml` and the code as they are
        now. What is made from an outdated table is outdated too.

        Raises
        ------
        LakeError
            If the record cannot be read.
        """
        record, sizes = self.record(), self._sizes()
        source = self._source_sha256()
        found: dict[str, AssetState] = {}
        for asset in TABLES:
            built = record.built.get(asset)
            refused = record.refused.get(asset)
            if built is None:
                found[asset] = AssetState(asset, "missing", ("it was not built yet",), None, refused)
                continue
            lost = [name for name, size in built.files.items() if sizes.get(name) != size]
            if lost:
                how = "not what was built" if lost[0] in sizes else "gone"
                found[asset] = AssetState(asset, "missing", (f"{lost[0]} is {how}",), None, refused)
                continue
            why = tuple(self._outdated_by(asset, built, found, source=source))
            found[asset] = AssetState(asset, "outdated" if why else "built", why, built, refused)
        return found

    def _outdated_by(
        self,
        asset: str,
        built: Built,
        states: Mapping[str, AssetState],
        *,
        source: str | None,
    ) -> Iterator[str]:
        made_from, declared = built.made_from, TABLES[asset]
        if made_from.source_sha256 != source:
            yield "the source file is another one now"
            return
        if made_from.code_version != declared.code_version:
            yield f"its step is version {declared.code_version} now, was {made_from.code_version}"
        now = self.settings.values(declared.settings, dataset_id=self.dataset_id)
        for name, value in now.items():
            # Of a setting that is new since, the default is what was done before.
            if _stated(was := made_from.settings.get(name, value)) != _stated(value):
                yield f"{name} is {value!r} now, was {was!r}"
        for name, digest in self._named_files(declared, now).items():
            if made_from.inputs.get(name, digest) != digest:
                yield f"{name} is another file now, or gone"
        if asset == CELLS:
            yield from self._outdated_by_collection(made_from, states[PROFILE])
        for name in declared.inputs(now):
            if name in SHARED:
                yield from self._outdated_by_shared(name, made_from)
            # What is read only where a setting says so: the setting was named above.
            elif name in made_from.inputs or (states[name].built and name not in declared.reads_where):
                yield from _outdated_by_input(states[name], made_from.inputs.get(name))

    def _outdated_by_collection(self, made_from: MadeFrom, profiled: AssetState) -> Iterator[str]:
        """Tell of another collection in the listing, where the file itself names none.

        Not of a dataset that is listed no more: what is known of it stays as it is.
        """
        now = listed_collections(self.layout).get(self.dataset_id)
        if now is None:
            return
        was = made_from.inputs.get(_COLLECTION)
        if was is None and profiled.standing == "built":
            was = self._collection_of_donors()
        if was not in {None, now}:
            yield f"its collection is {now} now, was {was}"

    def _collection_of_donors(self) -> str | None:
        """Tell by which collection the donors are called, of cells whose record does not say it.

        An earlier c2s_assets did not record it. None where it decides nothing: the file itself names one, no
        donor is known, or the files cannot be read.
        """
        with suppress(LakeError, pa.ArrowException, OSError):
            profile = read_document(self.layout.profile(self.dataset_id), DatasetProfile)
            if profile.origin_by(self.entry).collection_id is None:
                donor_uid = least_text(self.layout.table(CELLS, self.dataset_id), DONOR_UID)
                named = donor_uid and donor_uid.partition("/")[0]
                return _NOT_HELD if named == self.dataset_id else named
        return None

    def _outdated_by_shared(self, name: str, made_from: MadeFrom) -> Iterator[str]:
        """Tell of a table of the whole lake.

        Not of a renewed list of HGNC: a month's changes are no reason to build 2,200 datasets again.
        """
        if name == SPLIT_PLAN and name in made_from.inputs:
            version = self._shared_version(name)
            if version not in {made_from.inputs[name], _NOT_HELD}:
                yield f"{name} gives its donors other sides"

    def _made_from(self, asset: str) -> MadeFrom:
        declared, record = TABLES[asset], self.record()
        settings = self.settings.values(declared.settings, dataset_id=self.dataset_id)
        inputs = self._named_files(declared, settings)
        for name in declared.inputs(settings):
            if name in SHARED:
                inputs[name] = self._shared_version(name)
            elif name in record.built:
                inputs[name] = record.built[name].digest
        if asset == CELLS and self.profile.origin.collection_id is None:
            inputs[_COLLECTION] = self.collection_id or _NOT_HELD
        return MadeFrom(
            source_sha256=self.source.sha256,
            inputs=inputs,
            settings=settings,
            code_version=declared.code_version,
        )

    def _named_files(self, declared: Declaration, settings: Mapping[str, object]) -> dict[str, str]:
        """Return a digest of each file that a setting, or the dataset's entry, names for a table."""
        found = {
            name: known_digest(self.layout.named(path))
            for name in declared.files
            if isinstance(path := settings[name], str)
        }
        spatial = self.entry.spatial if _NAMES_FILES in declared.settings else None
        named = {} if spatial is None else spatial.files()
        return found | {
            f"{_NAMES_FILES}.{key}": sampled_digest(self.layout.named(name)) for key, name in named.items()
        }

    def _shared_version(self, name: str) -> str:
        """Return what this dataset has of a table that is made for the whole lake, as a version or digest."""
        if name == SPLIT_PLAN:
            return plan_marks(self.layout).get(self.dataset_id, _NOT_HELD)
        return gene_symbols_version(self.layout) or _NOT_HELD

    def _known_record(self) -> Record:
        try:
            return self.record()
        except NewerLakeError:
            raise
        except LakeError:
            return Record(dataset_id=self.dataset_id)

    def _adopt(self) -> Record:
        settings = {
            name: self.settings.values(declared.settings, dataset_id=self.dataset_id)
            for name, declared in TABLES.items()
        }
        adopted = adopt_tables(self.layout, self.dataset_id, settings=settings)
        if adopted.built:
            # Who may only read the lake knows it all the same, for as long as it takes.
            with suppress(OSError):
                commit_record(
                    self.layout, self.dataset_id, lambda record: record if record.built else adopted
                )
        return adopted

    def _require(self, asset: str) -> None:
        state = self.state()[asset]
        if state.standing == "built":
            return
        raise MissingInputError(
            f"{asset} is {state.standing}: {'; '.join(state.why)}. Build the dataset again: "
            f"c2s build --outdated {self.dataset_id}."
        )

    def _source_sha256(self) -> str | None:
        try:
            return self.source.sha256
        except (MissingInputError, LakeError):
            return None

    def _sizes(self) -> dict[str, int]:
        """Bytes of every file of the dataset, by its path below the lake."""
        sizes = {}
        n_root = len(str(self.layout.root)) + 1
        raw = self.layout.raw_h5ad(self.dataset_id)
        if raw.exists():
            sizes[str(raw)[n_root:]] = raw.stat().st_size
        pending = [str(self.layout.dataset(self.dataset_id))]
        while pending:
            with suppress(FileNotFoundError), os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        sizes[entry.path[n_root:]] = entry.stat(follow_symlinks=False).st_size
        return sizes


def _stated(value: object) -> object:
    """Leave out what is not stated: keys of an entry that are new since, too."""
    if not isinstance(value, dict):
        return value
    return {key: stated for key, stated in value.items() if stated is not None}


def _outdated_by_input(state: AssetState, read: str | None) -> Iterator[str]:
    """Tell what became of a table since a digest of it, or none, was read."""
    if state.built is None or state.standing != "built":
        yield f"{state.asset} is {state.standing}"
    elif read is None:
        yield f"{state.asset} was not there yet"
    elif state.built.digest != read:
        yield f"{state.asset} was built again"
