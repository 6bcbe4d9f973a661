"""Every table of a dataset, declared once: its form, its model, what it is made from, where it is shown.

An asset, its table and its declaration share one name. Whoever lists tables asks here; adding one means
declaring it, writing its asset and stating its claims.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # pandera takes two seconds to import, and who only looks for files needs no model
    from c2s_assets.schemas.tables import Table

# What an asset leaves in the lake: the source file; a JSON document; a table of one file, of a folder of
# parts, of one folder for each side of a split; a folder of tables.
Form = Literal["source", "document", "file", "parts", "sides", "folder"]

# Those that others are made from, and so are read in many places.
RAW, PROFILE, CELLS, FEATURES = "raw_h5ad", "dataset_profile", "cell_metadata", "feature_metadata"
MANIFEST, SENTENCES, REPORT = "split_manifest", "cell_sentences", "validation_report"
SIDES_OF_DATASET = "train_test"
FINGERPRINTS = "cell_fingerprints"
PAIRS, SLIDES, PATCHES = "ligand_receptor_pairs", "slide_images", "image_patches"
ATTRIBUTES, COMMUNICATION, CAPTIONS = "cell_attributes", "cell_communication", "captions"
EXPRESSION, RECORDS = "expression", "cell_records"

# A table of each dataset that is made for all of them at once, and so is none of those below.
COPIES = "cell_copies"

# One row per dataset, made by looking at all of them, and newer than any catalogue.
HEALTH = "health_report"

# What is said of a dataset's publication, wherever that is shown; no number depends on it.
ENTRY_SHOWN = ("entry.title", "entry.citation", "entry.licence")

# Tables that are made once for the whole lake, and read by those of datasets.
SPLIT_PLAN = "split_plan"
SHARED = ("gene_symbols", SPLIT_PLAN)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is known of a table before it is built.

    Attributes
    ----------
    reads
        The tables it is made from; Dagster's dependencies and the record follow from it.
    reads_where
        Of these, those read only where a setting has a value: the table to the setting and the value.
    settings
        What of `datasets.yaml` decides its content: a section, ``sentences``, a key of one,
        ``projections.fit_scope``, or a key of the dataset's own entry, ``entry.layer``; see
        `DatasetsFile.values`.
    files
        Of these settings those that name a file, what is in which decides its content too.
    code_version
        To be raised when the meaning of its content changes; what was built before is outdated then.
    model_name
        Its class in `schemas.tables`, if it has one.
    has_row_per_cell
        Whether it has the rows of `cell_metadata`, in their order.
    view
        Its view in the catalogue, if it is shown there.
    is_default
        Whether it is built without being asked for.
    asked_by
        What of the dataset's entry asks for it, if it is there: ``spatial``. Other datasets do not have it.
    """

    name: str
    form: Form
    reads: tuple[str, ...] = ()
    reads_where: Mapping[str, tuple[str, object]] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    code_version: str = "1"
    model_name: str | None = None
    has_row_per_cell: bool = False
    view: str | None = None
    is_default: bool = True
    asked_by: str | None = None

    @property
    def model(self) -> "Table":
        """The pandera model of its rows."""
        if self.model_name is None:
            raise TypeError(f"{self.name} is no table with a model")
        model: Table = getattr(import_module("c2s_assets.schemas.tables"), self.model_name)
        return model

    def inputs(self, settings: Mapping[str, object]) -> list[str]:
        """Name the tables that are read under these settings."""
        return [
            name
            for name in self.reads
            if name not in self.reads_where
            or settings.get(self.reads_where[name][0]) == self.reads_where[name][1]
        ]

    @property
    def waits_for(self) -> list[str]:
        """The tables it reads that are there whenever it is: what only some datasets have may be missing."""
        return [
            name for name in self.reads if self.asked_by or name not in TABLES or not TABLES[name].asked_by
        ]

    @property
    def keeps_model(self) -> bool:
        """Whether its rows are those of its model; of a folder of tables each has columns of its own."""
        return self.model_name is not None and self.form != "folder"

    @property
    def follows_cells(self) -> bool:
        """Whether its one table has the rows of `cell_metadata`, and is not `cell_metadata` itself."""
        return self.has_row_per_cell and self.form in ("file", "parts") and self.name != CELLS

    @property
    def is_table(self) -> bool:
        """Whether it is made of Parquet files."""
        return self.form not in ("source", "document")


_FROM_THE_FILE = ("raw_h5ad", "dataset_profile")
_FROM_THE_MATRIX = (*_FROM_THE_FILE, "cell_metadata", "feature_metadata")

# Where only donors of train may decide what is highly variable.
_OF_TRAIN = ("projections.fit_scope", "train")

# In the order in which they are built: what people train on comes first.
_MADE = (
    Declaration(name="raw_h5ad", form="source"),
    Declaration(
        name="dataset_profile",
        form="document",
        code_version="5",
        reads=("raw_h5ad",),
        settings=("entry.organism", "entry.layer"),
    ),
    Declaration(
        name="cell_metadata",
        form="file",
        code_version="6",
        reads=_FROM_THE_FILE,
        settings=(
            "entry.organism",
            "entry.donor_column",
            "entry.age_column",
            "entry.age_unit",
            "entry.age_group_column",
            "entry.cell_type_column",
            "entry.collection_id",
        ),
        model_name="CellMetadata",
        has_row_per_cell=True,
        view="cells",
    ),
    Declaration(
        name="cell_fingerprints",
        form="file",
        code_version="2",
        reads=(*_FROM_THE_FILE, "gene_symbols", "cell_metadata"),
        model_name="CellFingerprints",
        has_row_per_cell=True,
    ),
    Declaration(
        name="split_manifest",
        form="file",
        reads=("cell_metadata", SPLIT_PLAN),
        settings=("split", "entry.spatial"),
        code_version="4",
        model_name="SplitManifest",
        view="splits",
    ),
    Declaration(
        name="feature_metadata",
        form="file",
        reads=(*_FROM_THE_FILE, "gene_symbols", "cell_metadata", "split_manifest"),
        reads_where={"split_manifest": _OF_TRAIN},
        settings=("entry.symbol_column", "projections.fit_scope"),
        code_version="6",
        model_name="FeatureMetadata",
        view="features",
    ),
    Declaration(
        name="cell_sentences",
        form="parts",
        code_version="2",
        reads=_FROM_THE_MATRIX,
        settings=("sentences",),
        model_name="CellSentences",
        has_row_per_cell=True,
        view="sentences",
    ),
    Declaration(
        name="train_test",
        form="sides",
        code_version="5",
        reads=("dataset_profile", "cell_metadata", "cell_sentences", "split_manifest"),
        settings=("entry.title", "entry.collection_id", "entry.publication_doi"),
        model_name="TrainTest",
        view="training",
    ),
    Declaration(
        name="rank_fidelity",
        form="file",
        reads=(*_FROM_THE_FILE, "cell_metadata"),
        model_name="RankFidelity",
        is_default=False,
    ),
    Declaration(
        name="training_prompts",
        form="parts",
        code_version="3",
        reads=("dataset_profile", "train_test"),
        settings=("prompts", "entry.title"),
        files=("prompts.tokenizer",),
        model_name="TrainingPrompts",
        is_default=False,
    ),
    Declaration(name="unstructured_metadata", form="document", reads=("raw_h5ad",)),
    Declaration(
        name="expression",
        form="parts",
        code_version="2",
        reads=_FROM_THE_MATRIX,
        model_name="Expression",
        has_row_per_cell=True,
    ),
    Declaration(
        name="projections",
        form="folder",
        code_version="2",
        reads=(*_FROM_THE_MATRIX, "split_manifest"),
        reads_where={"split_manifest": _OF_TRAIN},
        settings=("projections",),
        model_name="Projection",
        has_row_per_cell=True,
        view="projections",
    ),
    Declaration(
        name="expression_matrix",
        form="parts",
        code_version="2",
        reads=_FROM_THE_MATRIX,
        has_row_per_cell=True,
        is_default=False,
    ),
    # Each is another pass over the matrix, and most lakes train on cells.
    Declaration(
        name="pseudobulk",
        form="parts",
        reads=(*_FROM_THE_MATRIX, "split_manifest"),
        model_name="Pseudobulk",
        view="pseudobulk",
        is_default=False,
    ),
    Declaration(
        name="pseudocells",
        form="parts",
        reads=(*_FROM_THE_MATRIX, "split_manifest"),
        settings=("pseudocells",),
        model_name="Pseudocells",
        view="pseudocells",
        is_default=False,
    ),
    Declaration(
        name="cell_attributes",
        form="file",
        reads=("raw_h5ad", "cell_metadata"),
        settings=("entry.spatial",),
        model_name="CellAttributes",
        has_row_per_cell=True,
        is_default=False,
        asked_by="spatial",
    ),
    Declaration(
        name="dataset_card",
        form="document",
        code_version="2",
        reads=("dataset_profile", "cell_sentences", "split_manifest", "train_test"),
        settings=ENTRY_SHOWN,
        is_default=False,
    ),
    Declaration(
        name="cell_outlines",
        form="parts",
        reads=("raw_h5ad", "cell_metadata"),
        settings=("entry.spatial",),
        model_name="CellOutlines",
        has_row_per_cell=True,
        is_default=False,
        asked_by="spatial",
    ),
    Declaration(
        name="ligand_receptor_pairs",
        form="file",
        code_version="2",
        reads=("dataset_profile", "feature_metadata"),
        settings=("communication.pairs",),
        model_name="LigandReceptorPairs",
        view="ligand_receptor_pairs",
        is_default=False,
        asked_by="spatial",
    ),
    Declaration(
        name="cell_communication",
        form="parts",
        code_version="2",
        reads=(*_FROM_THE_MATRIX, "ligand_receptor_pairs"),
        settings=("entry.spatial", "communication.scale"),
        model_name="CellCommunication",
        has_row_per_cell=True,
        is_default=False,
        asked_by="spatial",
    ),
    Declaration(
        name="section_communication",
        form="file",
        reads=("dataset_profile", "ligand_receptor_pairs", "cell_communication"),
        model_name="SectionCommunication",
        is_default=False,
        asked_by="spatial",
    ),
    Declaration(
        name="slide_images",
        form="file",
        reads=(*_FROM_THE_FILE, "cell_metadata"),
        settings=("entry.spatial",),
        model_name="SlideImages",
        is_default=False,
        asked_by="spatial.image",
    ),
    Declaration(
        name="image_patches",
        form="parts",
        code_version="3",
        reads=(*_FROM_THE_FILE, "cell_metadata", "slide_images"),
        settings=("entry.spatial",),
        model_name="ImagePatches",
        has_row_per_cell=True,
        is_default=False,
        asked_by="spatial.image",
    ),
    Declaration(
        name="captions",
        form="parts",
        reads=(
            "raw_h5ad",
            "cell_metadata",
            "cell_attributes",
            "cell_communication",
            "ligand_receptor_pairs",
            "slide_images",
            "image_patches",
        ),
        settings=("entry.spatial",),
        model_name="Captions",
        has_row_per_cell=True,
        is_default=False,
        asked_by="spatial.image",
    ),
    Declaration(
        name="machine_captions",
        form="file",
        reads=("cell_metadata", "image_patches", "captions"),
        settings=("entry.vision",),
        model_name="MachineCaptions",
        has_row_per_cell=True,
        is_default=False,
        asked_by="spatial.vision",
    ),
    Declaration(
        name="record_sides",
        form="file",
        reads=("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest"),
        settings=("split", "entry.spatial"),
        model_name="RecordSides",
        has_row_per_cell=True,
        is_default=False,
        asked_by="spatial.image",
    ),
    Declaration(
        name="cell_records",
        form="parts",
        code_version="2",
        reads=(
            "raw_h5ad",
            "dataset_profile",
            "cell_metadata",
            "split_manifest",
            "expression",
            "cell_attributes",
            "cell_communication",
            "slide_images",
            "image_patches",
            "captions",
        ),
        settings=("split", "entry.spatial"),
        model_name="CellRecords",
        is_default=False,
        asked_by="spatial.image",
    ),
)
# It tells how all the others stand.
_REPORT = Declaration(
    name="validation_report",
    form="document",
    code_version="2",
    reads=tuple(declared.name for declared in _MADE),
    settings=ENTRY_SHOWN,
)
TABLES: Mapping[str, Declaration] = {declared.name: declared for declared in (*_MADE, _REPORT)}


def wanted_tables(asked_for: Collection[str] = ()) -> list[str]:
    """Name the tables of a dataset that are built: those that always are, and those that are asked for."""
    return [name for name, declared in TABLES.items() if declared.is_default or name in asked_for]


def tables_of_any_dataset() -> list[str]:
    """Name the tables that every dataset can have: all but those that its entry has to ask for."""
    return [name for name, declared in TABLES.items() if declared.asked_by is None]


def upstream(names: Collection[str]) -> list[str]:
    """Name these tables and all that they are made from, in the order in which they are built."""
    wanted: set[str] = set()
    pending = [name for name in names if name in TABLES]
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += [read for read in TABLES[name].reads if read in TABLES]
    return [name for name in TABLES if name in wanted]


def shown() -> Iterator[Declaration]:
    """Give the tables that the catalogue has a view of."""
    yield from (declared for declared in TABLES.values() if declared.view is not None)
