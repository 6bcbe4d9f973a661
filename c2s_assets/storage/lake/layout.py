"""Every path of the lake."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from c2s_assets.core.errors import C2SError, InvalidDatasetIdError, MachineError, MissingInputError
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.lake.denials import DENIALS

# Of documents that are not called as their asset, or are several.
_DOCUMENTS = {
    "dataset_profile": ("profile.json",),
    "validation_report": ("validation_report.json", "report.html"),
    "dataset_card": ("README.md", "_images"),
}
_DEFAULT = "lake"
# s3://bucket, and s3:/bucket, which is what becomes of it where it was once taken for a path.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True)
class Layout:
    """Where everything is, below one root. A dataset id becomes part of a path here and nowhere else.

    Every method that takes a `dataset_id` raises InvalidDatasetIdError unless a path may be made of it, and
    if the path passes a symbolic link.
    """

    root: Path

    @property
    def inbox(self) -> Path:
        """Where files are dropped."""
        return self.root / "inbox"

    @property
    def settings(self) -> Path:
        """The file that says what differs between datasets."""
        return self.root / "datasets.yaml"

    @property
    def gene_symbols(self) -> Path:
        """The symbols of HGNC, one row per approved gene."""
        return self.root / "catalogue" / "gene_symbols.parquet"

    @property
    def listing(self) -> Path:
        """Datasets of CELLxGENE Discover as last listed, one row each."""
        return self.root / "catalogue" / "listing.parquet"

    @property
    def collections(self) -> Path:
        """Collections of CELLxGENE Discover as last listed, one row each."""
        return self.root / "catalogue" / "collections.parquet"

    @property
    def listing_history(self) -> Path:
        """What was added to CELLxGENE Discover, revised and withdrawn, one row per change."""
        return self.root / "catalogue" / "listing_history.parquet"

    @property
    def split_plan(self) -> Path:
        """The side of every donor of the lake."""
        return self.root / "catalogue" / "split_plan.parquet"

    @property
    def split_marks(self) -> Path:
        """What of the plan decides of each dataset, as a digest, by dataset."""
        return self.root / "catalogue" / "split_plan.json"

    @property
    def split_copies(self) -> Path:
        """The cells that are on no side because a copy of them is used, of all datasets."""
        return self.root / "catalogue" / "split_copies.parquet"

    @property
    def leaks(self) -> Path:
        """What the last audit found on two sides."""
        return self.root / "catalogue" / "leaks.parquet"

    @property
    def audited_datasets(self) -> Path:
        """Which files the last audit has seen, by dataset."""
        return self.root / "catalogue" / "audited_datasets.parquet"

    @property
    def audited_donors(self) -> Path:
        """How many cells of each donor these files hold."""
        return self.root / "catalogue" / "audited_donors.parquet"

    @property
    def all_audited_cells(self) -> Path:
        """Where the hashes of the cells in these files are, one file per dataset."""
        return self.root / "catalogue" / "audited_cells"

    @property
    def leak_inflation(self) -> Path:
        """How well models seem to do with and without cells of the donors they are tested on."""
        return self.root / "catalogue" / "leak_inflation.parquet"

    @property
    def catalogue(self) -> Path:
        """The DuckDB file over the whole lake."""
        return self.root / "catalogue" / "catalogue.duckdb"

    @property
    def catalogue_tables(self) -> Path:
        """The versions of tables that the catalogue shows, a folder for each time that it was built.

        Of a lake in a bucket there is one document instead, which says what objects they are.
        """
        return self.root / "catalogue" / "tables"

    @property
    def corpus_report(self) -> Path:
        """What the whole lake holds, in figures, as JSON."""
        return self.root / "catalogue" / "corpus_report.json"

    @property
    def health_report(self) -> Path:
        """How each dataset stands, and since when."""
        return self.root / "catalogue" / "health_report.parquet"

    @property
    def donor_aliases(self) -> Path:
        """Donors that share cells, one row per pair."""
        return self.root / "catalogue" / "donor_aliases.parquet"

    @property
    def all_copies(self) -> Path:
        """Where the tables of cells that have copies are, one file per dataset that holds any."""
        return self.root / "catalogue" / "cell_copies"

    @property
    def all_cell_pairs(self) -> Path:
        """Where the pairs of cells are, a folder per dataset with a file per other dataset."""
        return self.root / "catalogue" / "cell_pairs"

    @property
    def raw(self) -> Path:
        """Where the source files are, each with what is known of it."""
        return self.root / "raw"

    @property
    def datasets(self) -> Path:
        """Where everything is that was made, in a folder per dataset."""
        return self.root / "datasets"

    @property
    def releases(self) -> Path:
        """Where releases are staged, a folder each, as they go to the Hugging Face Hub."""
        return self.root / "releases"

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its runs and events, unless told otherwise."""
        return self.root / ".dagster"

    @property
    def staging(self) -> Path:
        """Where tables are written before they take their place."""
        return self.root / ".staging"

    @property
    def presence(self) -> Path:
        """Who works on the lake, one file for each process, on whatever machine."""
        return self.staging / "present"

    def require(self) -> None:
        """Refuse to look for anything in a folder that is no lake.

        Raises
        ------
        MissingInputError
            If nothing in it was made by c2s.
        """
        # Dagster makes empty folders in a home that is gone while it opens it.
        of_dagster = self.dagster_home / "dagster.yaml"
        of_ours = (self.settings, self.inbox, self.staging, of_dagster, self.catalogue)
        is_copy = next(self.sources(), None) or next(self.records(), None)
        if not any(path.exists() for path in of_ours) and is_copy is None:
            raise MissingInputError(
                f"there is no lake in {self.root}. Name the folder of yours in $C2S_LAKE, or begin one "
                f"there: c2s add PATH_OR_URL."
            )

    def inbox_h5ad(self, dataset_id: str) -> Path:
        """Name under which a dropped file becomes the dataset."""
        return self._below(self.inbox, f"{check_dataset_id(dataset_id)}.h5ad")

    def inbox_note(self, dataset_id: str) -> Path:
        """Where `c2s add` leaves what it knows of the file's origin."""
        return self._below(self.inbox, f"{check_dataset_id(dataset_id)}.json")

    def raw_h5ad(self, dataset_id: str) -> Path:
        """Where the verified source file is."""
        return self._below(self.raw, f"{check_dataset_id(dataset_id)}.h5ad")

    def raw_provenance(self, dataset_id: str) -> Path:
        """Where the source file came from, and what it holds."""
        return self._below(self.raw, f"{check_dataset_id(dataset_id)}.json")

    def download(self, dataset_id: str) -> Path:
        """Where a source file is while it is fetched; what has arrived stays if the fetch is stopped."""
        return self._below(self.staging / "downloads", f"{check_dataset_id(dataset_id)}.h5ad")

    def download_note(self, dataset_id: str) -> Path:
        """Where the origin of a source file stands that was fetched and is not verified yet."""
        return self._below(self.staging / "downloads", f"{check_dataset_id(dataset_id)}.json")

    def feature_summary(self, dataset_id: str) -> Path:
        """Where figures of features wait for `feature_metadata`, if another table's pass has made them."""
        return self._below(self.staging / "summaries", f"{check_dataset_id(dataset_id)}.parquet")

    def vision_answers(self, dataset_id: str) -> Path:
        """Where the answers of vision models are kept, so that no question is asked twice."""
        return self._below(self.staging / "answers", f"{check_dataset_id(dataset_id)}.jsonl")

    def dataset(self, dataset_id: str) -> Path:
        """Where everything is that was made from one source file."""
        return self._below(self.datasets, check_dataset_id(dataset_id))

    def record(self, dataset_id: str) -> Path:
        """Where the record is, of everything that was made from the source file."""
        return self._below(self.dataset(dataset_id), "record.json")

    def records(self) -> Iterator[Path]:
        """Find the records of all datasets, in no order."""
        yield from self.datasets.glob("*/record.json")

    def places(self, asset: str, dataset_id: str) -> list[Path]:
        """Where an asset's file or folder is; of the sides of a split, one folder each."""
        match TABLES[asset].form:
            case "source":
                return [self.raw_h5ad(dataset_id)]
            case "document":
                names = _DOCUMENTS.get(asset, (f"{asset}.json",))
                return [self._below(self.dataset(dataset_id), name) for name in names]
            case "file":
                return [self.table(asset, dataset_id)]
            case "sides":
                return [self.parts(side, dataset_id) for side in SIDES]
            case _:
                return [self.parts(asset, dataset_id)]

    def cell_copies(self, dataset_id: str) -> Path:
        """Where the cells of a dataset are that have copies."""
        return self._below(self.all_copies, f"{check_dataset_id(dataset_id)}.parquet")

    def cell_pairs(self, dataset_id: str, other: str) -> Path:
        """Where the pairs of cells of two datasets are that are copies."""
        folder = self._below(self.all_cell_pairs, check_dataset_id(dataset_id))
        return self._below(folder, f"{check_dataset_id(other)}.parquet")

    def audited_cells(self, dataset_id: str) -> Path:
        """Where the hashes of those cells of a dataset are that an audit has found on sides."""
        return self._below(self.all_audited_cells, f"{check_dataset_id(dataset_id)}.parquet")

    def profile(self, dataset_id: str) -> Path:
        """Structure of the source file and the verdict on its matrix."""
        return self._below(self.dataset(dataset_id), "profile.json")

    def unstructured_metadata(self, dataset_id: str) -> Path:
        """`uns` as JSON."""
        return self._below(self.dataset(dataset_id), "unstructured_metadata.json")

    def validation_report(self, dataset_id: str) -> Path:
        """Results of all checks of the dataset, as JSON."""
        return self._below(self.dataset(dataset_id), "validation_report.json")

    def dataset_page(self, dataset_id: str) -> Path:
        """Page on the dataset for a browser, written with the validation report."""
        return self._below(self.dataset(dataset_id), "report.html")

    def table(self, name: str, dataset_id: str) -> Path:
        """Where a table of one file is: `cell_metadata`, `feature_metadata` or `split_manifest`."""
        return self._below(self.dataset(dataset_id), f"{name}.parquet")

    def parts(self, name: str, dataset_id: str) -> Path:
        """Where the parts of a table are: `cell_sentences`, `expression`, or one side of a split."""
        return self._below(self.dataset(dataset_id), name)

    def release(self, name: str) -> Path:
        """Folder of a staged release; its name is as safe as a dataset id, or refused like one."""
        return self._below(self.releases, check_dataset_id(name))

    def release_code(self, name: str) -> Path:
        """Beside a staged release: by which code it was staged."""
        return self.release(name).with_name(f"{name}.code")

    def projections(self, dataset_id: str) -> Path:
        """Folder of the projections, a table each: `X_umap.parquet`."""
        return self._below(self.dataset(dataset_id), "projections")

    def named(self, name: str) -> Path:
        """Where a file is that `datasets.yaml` names; a relative path is one from the lake's folder."""
        return self.root / Path(name).expanduser()

    def dropped(self) -> Iterator[Path]:
        """Find the h5ad files in the inbox, by name; hidden ones are still being copied, or macOS's own."""
        yield from sorted(path for path in self.inbox.glob("*.h5ad") if not path.name.startswith("."))

    def strangers(self) -> Iterator[Path]:
        """Find what else was dropped into the inbox, by name, but for notes of `c2s add`."""
        for path in sorted(self.inbox.glob("[!.]*")):
            if path.suffix != ".h5ad" and not path.with_suffix(".h5ad").exists():
                yield path

    def sources(self) -> Iterator[Path]:
        """Find the documents on the source files, by name."""
        yield from sorted(self.raw.glob("[!.]*.json"))

    def _below(self, folder: Path, name: str) -> Path:
        # The pattern allows no separator; a link in the lake could still lead out of it.
        path = folder / name
        for part in (path, *path.parents):
            if part == self.root:
                break
            if part.is_symlink():
                raise InvalidDatasetIdError(
                    f"{part} is a symbolic link, to {str(part.readlink())!r}; it could lead out of the lake. "
                    f"Remove it, and add the file with: c2s add PATH."
                )
        return path


def locate_lake(address: str | Path | None) -> Layout:
    """Find the lake in a folder; ``~`` is the user's own, and without an address it is ``./lake``.

    Raises
    ------
    C2SError
        If it is an address on a network, where no lake can be yet, the home of nobody, or a file.
    """
    text = str(address or _DEFAULT)
    if _ADDRESS.match(text):
        raise C2SError(
            f"{text} is an address, and a lake has to be in a folder of this machine or a bucket, which c2s "
            f"and open_lake find: s3://BUCKET/PREFIX. Other stores are reached by their S3 face."
        )
    try:
        root = Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise C2SError(f"{text}: there is no such home. Set C2S_LAKE to a folder by its path.") from error
    if root.is_file():
        raise MachineError(f"{root}: {DENIALS['no folder'].found}. {DENIALS['no folder'].advice}")
    return Layout(root)


def part_of(path: Path) -> Path:
    """Where the first bytes of a file wait until all have arrived."""
    return path.with_name(f"{path.name}.part")


def note_of_part(part: Path) -> Path:
    """Where it is noted of which version of a file a part is."""
    return part.with_name(f"{part.name}.json")
