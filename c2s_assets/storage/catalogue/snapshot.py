"""The tables of all datasets as they are at one moment, each under a second name that stays with it.

DuckDB opens a file more than once while it answers, and reads the new bytes by the old footer when the file
is replaced in between: with eight datasets replaced without pause, 3 of 50 answers ended with an error of
decompression. A hard link costs no space as long as the table is the present one, and keeps the version it
was made for, so that whoever reads through links never sees a table change. Of a lake in a bucket the links
are names alone, and what is read are the objects of that version, see `objects`. On a disk without hard links
symbolic ones are made: a reader may then meet such an error and has to ask again.

The links of a snapshot lie in `<table>/<dataset_id>/<file>`, and the views make a column `dataset_id` of the
last folder alone: a reader that takes folders called `key=value` for columns would do so with those above
the lake too. Beside them lies a file without rows that has every column we promise, so that there is always
a table with all of them. The report on the health of the lake has a symbolic link: it is renewed every hour,
which the catalogue is not, and whoever asks it wants the newest.
"""

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from c2s_assets import schemas
from c2s_assets.core.errors import BusyServerError, C2SError, LakeError
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.registry import CELLS, COPIES, HEALTH, shown
from c2s_assets.storage.catalogue.columns import ColumnsInUse, misfit
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present_all
from c2s_assets.storage.lake.staging import hold_commits
from c2s_assets.storage.lake.units import CATALOGUE, unit_of_lake
from c2s_assets.storage.lake.working_copy import working_copy_of
from c2s_assets.storage.tables.parquet import footer_of, write_table

if TYPE_CHECKING:  # of the extra s3
    from c2s_assets.storage.catalogue.objects import LakeFiles, SharedFile

# The tables that are linked, and of these the one that the others have to agree with.
SHOWN = (*(declared.name for declared in shown()), COPIES)
_PROJECTIONS = "projections"
# Of which a dataset has one folder each, or one for each side.
_FOLDERS = frozenset(declared.name for declared in shown() if declared.form in ("parts", "folder"))
_OF_SIDES = frozenset(declared.name for declared in shown() if declared.form == "sides")
_SOURCE = "source_sha256"

# What is made of the catalogue, and so is no part of it, and what is shown as it is when somebody asks.
_BESIDE = frozenset({CATALOGUE, unit_of_lake("corpus_report"), unit_of_lake(HEALTH)})

# Sorts before every dataset id, so that its columns come first; no dataset can have it.
_NO_DATASET = "-"


@dataclass(frozen=True)
class DatasetTables:
    """The tables of one dataset in a snapshot: all made from the same version of its source file.

    `outdated` says which of them stand otherwise than they should, see `Dataset.state`. They are shown all
    the same; that they go together is read from what is linked, which may have changed since.
    """

    source_sha256: str
    n_rows: Mapping[str, int]
    projections: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the tables it has."""
        return [name for name in SHOWN if name in self.n_rows]


@dataclass(frozen=True)
class Snapshot:
    """Links to the tables of every dataset that can be read; `left_out` says why the others are not there.

    `objects` is what they stand for, of a lake in a bucket.
    """

    folder: Path
    datasets: Mapping[str, DatasetTables]
    left_out: Mapping[str, str]
    objects: "LakeFiles | None" = None

    def files(self, table: str, dataset_id: str) -> list[Path]:
        """Find the files of one table of one dataset, by name."""
        return sorted(_place(self.folder, table, dataset_id).glob("*.parquet"))

    def patterns(self, table: str) -> list[str]:
        """Write patterns that find the files of one table of these datasets, for DuckDB."""
        files = [
            path for dataset_id in (_NO_DATASET, *self.datasets) for path in self.files(table, dataset_id)
        ]
        return [literal_pattern(self._called(path)) for path in files]

    def pattern(self, table: str) -> str:
        """Write the one pattern that finds the files of one table of all datasets that have links."""
        return f"{literal_pattern(self._called(self.folder / table))}/*/*.parquet"

    def name(self, path: Path) -> str:
        """Name one of the files, or the folder of a table."""
        return path.relative_to(self.folder).as_posix()

    def open(self, path: Path) -> "IO[bytes] | SharedFile":
        """Open one of the files."""
        return path.open("rb") if self.objects is None else self.objects.open(self.name(path))

    def only(self, dataset_ids: Collection[str]) -> "Snapshot":
        """Look at some of the datasets, without a change to the links."""
        return replace(self, datasets={name: self.datasets[name] for name in dataset_ids}, left_out={})

    def without(self, left_out: Mapping[str, str]) -> "Snapshot":
        """Leave further datasets out, and remove their links."""
        for dataset_id in left_out:
            _unlink(self.folder, dataset_id)
        kept = {name: tables for name, tables in self.datasets.items() if name not in left_out}
        left_out = {**self.left_out, **left_out}
        if self.objects is not None:
            self.objects.keep(lambda name: os.path.lexists(self.folder / name))
        return replace(self, datasets=kept, left_out=left_out)

    def _called(self, path: Path) -> str:
        """Return the path by which DuckDB knows a file or folder of it."""
        if self.objects is None:
            return str(path)
        return f"{self.objects.protocol}://{self.name(path)}"


def take_snapshot(
    layout: Layout,
    folder: Path,
    *,
    templates: Mapping[str, pa.Schema],
    outdated: Mapping[str, Mapping[str, str]],
    withdrawn: Collection[str] = (),
) -> Snapshot:
    """Link the tables of every dataset that can be read into a new folder.

    A dataset is left out as a whole if its `cell_metadata` is missing, or any of its files is not a parquet
    file that we wrote or cannot be read as one table with those of other datasets. A table made from another
    version of the source than `cell_metadata`, because the dataset is being built, is left out alone.

    Parameters
    ----------
    templates
        For each of `SHOWN`, and for the report on their health, the columns that it must have even if no
        dataset has them.
    outdated
        What is to be said of tables of each dataset, by their name; those that are shown are told of.
    withdrawn
        Datasets to leave out without a word.
    """
    snapshot = Snapshot(folder, {}, {}, _objects_of(layout))
    for table, schema in templates.items():
        place = _place(folder, table, _NO_DATASET) / "columns.parquet"
        place.parent.mkdir(parents=True)
        write_table(place, schema.empty_table(), schema=schema)
        if snapshot.objects is not None:
            snapshot.objects.shown.columns[snapshot.name(place)] = place.read_bytes()
    _link_health(layout, snapshot, promised=templates[HEALTH])
    found: dict[str, DatasetTables] = {}
    left_out: dict[str, str] = {}
    columns = ColumnsInUse()
    for dataset_id in dataset_ids(layout):
        if dataset_id in withdrawn:
            continue
        try:
            tables, schemas = _link_dataset(layout, snapshot, dataset_id, templates=templates)
        except BusyServerError:  # which says nothing of the dataset
            raise
        except (C2SError, OSError) as error:
            _unlink(folder, dataset_id)
            left_out[dataset_id] = str(error)
        else:
            says = outdated.get(dataset_id, {})
            told = tuple(says[name] for name in tables.names if name in says)
            found[dataset_id] = replace(tables, outdated=told)
            columns.add(dataset_id, schemas)
    others = {name: f"{why}. {build_again(name)}" for name, why in columns.minorities().items()}
    return replace(snapshot, datasets=found, left_out=left_out).without(others)


def dataset_ids(layout: Layout) -> list[str]:
    """Name the datasets that something was built of, in order."""
    if not layout.datasets.is_dir():
        return []
    return sorted(path.name for path in layout.datasets.iterdir() if path.is_dir() and _is_id(path.name))


def lake_state(layout: Layout, *, withdrawn: Collection[str] = ()) -> str:
    """Summarise which versions of which files a catalogue is made of; the same for an unchanged lake."""
    state = hashlib.sha256(f"{_form()} {layout.health_report.exists()}\n".encode())
    for dataset_id in withdrawn:
        state.update(f"withdrawn {dataset_id}\n".encode())
    with suppress(FileNotFoundError):  # it states titles, citations and licences
        state.update(layout.settings.read_bytes())
    copy = working_copy_of(layout)
    if copy is not None:
        # Files change when they are fetched, and versions do not.
        for unit, held in sorted(copy.held_units().items()):
            if unit not in _BESIDE:
                state.update(f"{unit} {held.etag}\n".encode())
        return state.hexdigest()
    of_donors = (layout.split_plan, layout.donor_aliases, layout.leaks, layout.leak_inflation)
    shared = (layout.listing, layout.collections, *of_donors)
    for seen in (*map(_look, shared), *_look_into(layout.all_copies), *_look_at_datasets(layout)):
        state.update(f"{seen}\n".encode())
    return state.hexdigest()


@cache
def _form() -> str:
    """Digest what declares and fills the catalogue, so that one that was built by other code is renewed.

    The files are read as bytes: to ask the declarations would load pandera, which takes two seconds.
    """
    digest = hashlib.sha256()
    for folder in (Path(schemas.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".sql"):
                digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def build_again(dataset_id: str) -> str:
    """Say what to do about a dataset that is left out."""
    return f"Build it again: c2s build {dataset_id}."


def literal_pattern(path: str) -> str:
    """Write a path so that DuckDB, which takes every path for a pattern, finds this one and no other.

    Raises
    ------
    LakeError
        If it holds a backslash, which DuckDB takes for a separator of folders however it is written.
    """
    if "\\" in path:
        raise LakeError(
            f"DuckDB cannot read files below {path}: there is a backslash in it. Rename that folder."
        )
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _look_at_datasets(layout: Layout) -> Iterator[str]:
    for dataset_id in dataset_ids(layout):
        yield dataset_id
        try:
            yield _look(layout.raw_provenance(dataset_id))
            yield from _look_into(layout.dataset(dataset_id))
        except (C2SError, OSError):  # of a link that leads out of the lake nothing is read
            continue


def _look_into(folder: Path) -> Iterator[str]:
    """Tell the files of a folder apart from others of their names.

    Of a dataset all files beside the folders are looked at, also those that no catalogue shows: they change
    with a build only. To have the layout make and check a path for each took 1.1 s for 2,000 datasets before
    each query, this takes 0.25 s.
    """
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if not entry.is_dir(follow_symlinks=False):
                yield _identity(entry.name, entry.stat(follow_symlinks=False))
            elif entry.name in _FOLDERS or entry.name in SIDES:
                yield from _look_into(Path(entry.path))


def _look(path: Path) -> str:
    with suppress(FileNotFoundError):
        return _identity(path.name, path.stat())
    return ""


def _identity(name: str, found: os.stat_result) -> str:
    return f"{name} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


def _is_id(name: str) -> bool:
    try:
        check_dataset_id(name)
    except C2SError:
        return False
    return True


def _objects_of(layout: Layout) -> "LakeFiles | None":
    copy = working_copy_of(layout)
    if copy is None:
        return None
    from c2s_assets.storage.catalogue.objects import LakeFiles  # noqa: PLC0415

    return LakeFiles(copy)


def _link_dataset(
    layout: Layout,
    snapshot: Snapshot,
    dataset_id: str,
    *,
    templates: Mapping[str, pa.Schema],
) -> tuple[DatasetTables, dict[str, list[pa.Schema]]]:
    with hold_commits(layout):
        linked = {name: _link(_files(layout, name, dataset_id), snapshot, name, dataset_id) for name in SHOWN}
    if snapshot.objects is not None:
        snapshot.objects.look_at(snapshot.name(path) for paths in linked.values() for path in paths)
    read = {
        name: {path: _read(path, snapshot, promised=templates[name]) for path in paths}
        for name, paths in linked.items()
    }
    for path in [path for path, footer in read[_PROJECTIONS].items() if not footer.is_of_coordinates]:
        # Columns of a source's own, of any name and type: in one table with others they could hurt all.
        path.unlink()
        del read[_PROJECTIONS][path]
    footers = {name: list(found.values()) for name, found in read.items() if found}
    if CELLS not in footers:
        raise LakeError(f"it has no {CELLS} yet. Build it: c2s build {dataset_id}.")
    source = footers[CELLS][0].source_sha256
    n_rows = {}
    for name, found in footers.items():
        if all(footer.source_sha256 == source for footer in found):
            n_rows[name] = sum(footer.n_rows for footer in found)
        else:
            shutil.rmtree(_place(snapshot.folder, name, dataset_id))
    projections = [path.stem for path in read[_PROJECTIONS] if _PROJECTIONS in n_rows]
    schemas = {name: [footer.columns for footer in footers[name]] for name in n_rows}
    return DatasetTables(source, n_rows, tuple(projections)), schemas


def _files(layout: Layout, table: str, dataset_id: str) -> list[Path]:
    """Find the files of a table in the lake; none if it was not built."""
    found = [layout.cell_copies(dataset_id)] if table == COPIES else layout.places(table, dataset_id)
    if table in _FOLDERS | _OF_SIDES:
        found = [path for folder in found for path in sorted(folder.glob("*.parquet"))]
    return [path for path in found if path.is_file()]


def _link(sources: list[Path], snapshot: Snapshot, table: str, dataset_id: str) -> list[Path]:
    place = _place(snapshot.folder, table, dataset_id)
    if sources:
        place.mkdir(parents=True)
    links = []
    for source in sources:
        # The files of both sides have the same names.
        links.append(place / (f"{source.parent.name}-{source.name}" if table in _OF_SIDES else source.name))
        if snapshot.objects is not None:
            snapshot.objects.show(snapshot.name(links[-1]), source)
        try:
            os.link(source, links[-1])
        except OSError:  # another disk, a file system without hard links, or a file of somebody else
            links[-1].symlink_to(source)
    return links


def _link_health(layout: Layout, snapshot: Snapshot, *, promised: pa.Schema) -> None:
    """Link to the place of the report, if what is there now can be read."""
    present_all([layout.health_report])
    link = _place(snapshot.folder, HEALTH, _NO_DATASET) / layout.health_report.name
    with suppress(pa.ArrowException, OSError):
        if misfit(pq.read_schema(layout.health_report), promised=promised) is None:
            link.symlink_to(layout.health_report)
            if snapshot.objects is not None:
                snapshot.objects.show_as_it_is(snapshot.name(link), layout.health_report)


@dataclass(frozen=True)
class _Footer:
    source_sha256: str
    n_rows: int
    columns: pa.Schema
    is_of_coordinates: bool


def _read(path: Path, snapshot: Snapshot, *, promised: pa.Schema) -> _Footer:
    """Read the footer of a linked file.

    Raises
    ------
    LakeError
        If it is not a parquet file, or not one of ours, or cannot stand beside those of other datasets.
    """
    dataset_id = path.parent.name
    name = f"{path.parent.parent.name}/{path.name}"
    try:
        with snapshot.open(path) as file:
            says, n_rows, columns = footer_of(file, path)
    except (pa.ArrowException, OSError) as error:
        raise LakeError(f"{name} cannot be read: {error}. {build_again(dataset_id)}") from error
    except LakeError as error:
        raise LakeError(f"{name} does not say what it was made of. {build_again(dataset_id)}") from error
    is_of_coordinates = "form" not in says
    if is_of_coordinates and (problem := misfit(columns, promised=promised)) is not None:
        raise LakeError(f"{name}: {problem}. {build_again(dataset_id)}")
    return _Footer(str(says.get(_SOURCE)), n_rows, columns, is_of_coordinates)


def _unlink(folder: Path, dataset_id: str) -> None:
    for table in SHOWN:
        shutil.rmtree(_place(folder, table, dataset_id), ignore_errors=True)


def _place(folder: Path, table: str, dataset_id: str) -> Path:
    return folder / table / dataset_id
