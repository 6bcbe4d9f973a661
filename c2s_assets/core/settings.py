"""`datasets.yaml`: what differs between files, and how sentences and splits are made.

Every key is optional, and a section may be empty::

    sentences:                  # for all datasets; see SentenceSettings
      top_n: 2000               # or auto: up to the lowest ties of each cell
      tie: hash                 # or feature_id
      seed: 0
      gene_lists:
        ribosomal: [RPL3, RPL4]
    split:                      # for all datasets; see SplitSpec
      by: donor                 # or dataset, collection
      test_size: 0.05
      validation_size: 0.05
      seed: 0
      non_primary: drop         # or keep_if_unique, keep
      missing_age: drop         # or keep
      cultures: train           # or draw
      perturbed: train          # or draw
    projections:                # for all datasets; see ProjectionSettings
      fit_scope: all            # or train: features and PCA are chosen by donors of train alone
      seed: 0
    pseudocells:                # for all datasets; see PseudocellSettings
      n_cells: 15
      n_draws: 100
      seed: 0
    prompts:                    # for all datasets; see PromptSpec
      tasks: [cell_type, age]
      top_n: 200
      tokenizer: tokenizer.json
      max_tokens: 1024
    build: [pseudobulk]         # tables that are built only where they are asked for
    communication:              # for spatial datasets; see CommunicationSettings
      pairs: liana:consensus    # or the path of a table with the columns ligand and receptor
    cellxgene:                  # datasets of CELLxGENE Discover to keep fresh; see Selection
      organism: [Homo sapiens]
      tissue: [blood, lung]
      has_ages: true
      max_cells: 500000
    datasets:
      my_atlas:                 # the dataset id; see DatasetEntry
        title: Human muscle ageing atlas
        licence: CC BY 4.0
        citation: Doe et al. (2024)
        organism: Homo sapiens
        layer: raw.X            # or X, or the name of a layer
        donor_column: DonorID
        age_column: Age
        age_unit: years         # or months, weeks, days
        age_group_column: Age_group
        cell_type_column: annotation_level0
        symbol_column: gene_symbol
        spatial:                # that its cells have places in a tissue; see SpatialEntry, may be empty
          coordinates: spatial
          um_per_unit: 0.5
          section_column: slide
          image: slide.tif
          vision:               # a vision model that describes cells; see VisionEntry
            endpoint: http://localhost:8000/v1
            model: some-vision-model
        limits:                 # see LimitSettings: what an honest but very large file may claim
          features: 6000000
    releases:
      muscle:                   # the name of a release; see ReleaseEntry
        repo_id: me/muscle-corpus
        licence: CC BY 4.0
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from c2s_assets.core.cells.provenance import collection_in, doi_in
from c2s_assets.core.errors import ConfigError, InvalidDatasetIdError
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.core.releases.entry import ReleaseEntry, ReleaseName
from c2s_assets.core.section import Section, listed, nothing_if_none
from c2s_assets.core.sentences.lengths import AUTO, TopN
from c2s_assets.core.spatial.spec import CommunicationSettings, SpatialEntry, VisionEntry
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.tabular.spec import PseudocellSettings
from c2s_assets.core.yaml_bounds import BoundedLoader

ListName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

# Rows are counted in an int32.
_MOST_ROWS = 2**31 - 1


def _as_length(value: object) -> object:
    if value == AUTO or (type(value) is int and value >= 1):
        return value
    raise PydanticCustomError("length", "it should be a whole number from 1 on, or auto")


class SentenceSettings(Section):
    """How sentences are written, for all datasets."""

    top_n: Annotated[TopN, PlainValidator(_as_length)] = Field(
        default=2000,
        description="Length of the longest sentence, in symbols; auto: each ends where only ties are left.",
    )
    tie: Literal["hash", "feature_id"] = Field(default="hash", description="How equals are ordered.")
    seed: int = Field(default=0, description="Seed of the order among equals.")
    gene_lists: Annotated[dict[ListName, list[str]], BeforeValidator(nothing_if_none)] = Field(
        default_factory=dict, description="Each list makes a column cell_sentence_<name>."
    )


class ProjectionSettings(Section):
    """How projections are computed, for all datasets."""

    fit_scope: Literal["all", "train"] = Field(
        default="all",
        description="Cells that decide which features are highly variable and what the principal components "
        "are: all, or only those of donors in train, so that test has no part in what a model is given.",
    )
    seed: int = Field(default=0, description="Seed of UMAP, t-SNE and the sample they are fitted on.")


Labels = Annotated[list[str], BeforeValidator(listed)]


class Selection(Section):
    """Which datasets of CELLxGENE Discover the lake keeps fresh.

    A dataset is taken if it passes every filter that is set, or if `datasets` names it; never if `exclude`
    does. Where a filter lists several labels, one of them is enough; case does not matter, in ids neither.
    Without a filter and a name nothing is taken, so that nobody fetches the whole of Discover by accident.
    """

    organism: Labels = Field(default=[], description="Species: Homo sapiens.")
    tissue: Labels = Field(default=[], description="Tissues: blood.")
    assay: Labels = Field(default=[], description="Assays: 10x 3' v3.")
    disease: Labels = Field(default=[], description="Diseases; normal is one.")
    sex: Labels = Field(default=[], description="female, male or unknown.")
    development_stage: Labels = Field(default=[], description="Development stages: 22-year-old stage.")
    cell_type: Labels = Field(default=[], description="Cell types: B cell.")
    suspension_type: Labels = Field(default=[], description="cell, nucleus or na.")
    has_ages: bool | None = Field(
        default=None, description="Whether a development stage of the dataset says an age in years."
    )
    min_cells: int | None = Field(default=None, ge=0, description="Fewest cells.")
    max_cells: int | None = Field(default=None, ge=0, description="Most cells.")
    collections: Labels = Field(default=[], description="Ids of collections.")
    datasets: Labels = Field(default=[], description="Ids of datasets to take whatever the filters say.")
    exclude: Labels = Field(default=[], description="Ids of datasets or collections that are never taken.")

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        if self.min_cells is not None and self.max_cells is not None and self.min_cells > self.max_cells:
            raise ValueError(f"min_cells, {self.min_cells}, is more than max_cells, {self.max_cells}")
        return self

    @property
    def has_filters(self) -> bool:
        """Whether a filter is set, so that datasets are taken without being named."""
        return any(
            value not in (None, []) for value in self.model_dump(exclude={"datasets", "exclude"}).values()
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be taken."""
        return not self.has_filters and not self.datasets


class LimitSettings(Section):
    """What one file may claim beyond the limits of `storage.h5ad.limits`, which has the same names."""

    cells: int | None = Field(default=None, ge=1, le=_MOST_ROWS, description="Rows of obs.")
    features: int | None = Field(default=None, ge=1, le=_MOST_ROWS, description="Rows of var and raw.var.")
    columns: int | None = Field(default=None, ge=1, description="Columns of obs, and of var.")
    categories: int | None = Field(default=None, ge=1, description="Categories of a column.")
    layers: int | None = Field(default=None, ge=1, description="Matrices in layers.")
    elements: int | None = Field(default=None, ge=1, description="Groups and datasets of the whole file.")
    text_bytes: int | None = Field(default=None, ge=1, description="One id or value of obs or var.")
    column_bytes: int | None = Field(default=None, ge=1, description="The text of a column.")
    cell_bytes: int | None = Field(default=None, ge=1, description="The values of obs, per cell in the mean.")
    uns_bytes: int | None = Field(default=None, ge=1, description="Text and numbers of uns.")
    chunk_bytes: int | None = Field(
        default=None, ge=1, le=2**30, description="A chunk of HDF5 once it is inflated."
    )
    expansion: int | None = Field(default=None, ge=1, description="Bytes of values per byte of the file.")

    def raised(self) -> dict[str, int]:
        """Return those that are set."""
        return self.model_dump(exclude_none=True)


class DatasetEntry(Section):
    """What one file calls things, and what cannot be read from it."""

    title: str | None = Field(default=None, description="Title for cards and the UI.")
    licence: str | None = Field(default=None, description="Licence of the data.")
    citation: str | None = Field(default=None, description="How to cite the data.")
    organism: str | None = Field(default=None, description="Organism, if the file does not say.")
    layer: str | None = Field(default=None, description="Matrix to rank: X, raw.X or the name of a layer.")
    donor_column: str | None = Field(default=None, description="obs column of the donor.")
    age_column: str | None = Field(default=None, description="obs column of the age, a number.")
    age_unit: Literal["years", "months", "weeks", "days"] = Field(
        default="years", description="Unit of age_column, of values that do not name their own."
    )
    age_group_column: str | None = Field(default=None, description="obs column of age groups such as 15-20.")
    cell_type_column: str | None = Field(
        default=None, description="obs column of the cell type; becomes cell_type where obs has none."
    )
    symbol_column: str | None = Field(default=None, description="var column of the gene symbol.")
    spatial: Annotated[SpatialEntry | None, BeforeValidator(nothing_if_none)] = Field(
        default=None, description="That its cells have places in a tissue, and where they stand."
    )
    limits: LimitSettings = Field(default_factory=LimitSettings)

    @property
    def collection_id(self) -> str | None:
        """The collection of Discover that its citation names."""
        return collection_in(self.citation)

    @property
    def publication_doi(self) -> str | None:
        """The DOI that its citation names."""
        return doi_in(self.citation)

    @property
    def vision(self) -> dict[str, object] | None:
        """What decides what a vision model says of cells: the model and of how many, not where it runs."""
        stated = None if self.spatial is None else self.spatial.vision
        return None if stated is None else stated.model_dump(include={"model", "max_cells"})

    @model_validator(mode="after")
    def _unit_has_an_effect(self) -> Self:
        if "age_unit" not in self.model_fields_set:
            return self
        if self.age_group_column is not None and self.age_unit != "years":
            raise ValueError(
                f"age_unit, {self.age_unit}, would not be that of age_group_column, whose groups are years. "
                f"Give the groups as age_column, which reads '3-6' as well, and leave age_group_column out"
            )
        if self.age_column is None and self.age_group_column is None:
            raise ValueError(
                f"age_unit, {self.age_unit}, has no effect without age_column, which names the column that "
                f"it is the unit of"
            )
        return self


class DatasetsFile(Section):
    """The whole of `datasets.yaml`. An entry that cannot be followed stops its own dataset, and no other."""

    sentences: SentenceSettings = Field(default_factory=SentenceSettings)
    split: SplitSpec = Field(default_factory=SplitSpec)
    projections: ProjectionSettings = Field(default_factory=ProjectionSettings)
    prompts: PromptSpec = Field(default_factory=PromptSpec)
    cellxgene: Selection = Field(default_factory=Selection)
    pseudocells: PseudocellSettings = Field(default_factory=PseudocellSettings)
    build: Annotated[
        list[
            Literal[
                "dataset_card",
                "expression_matrix",
                "pseudobulk",
                "pseudocells",
                "rank_fidelity",
                "training_prompts",
            ]
        ],
        BeforeValidator(listed),
    ] = Field(default=[], description="Tables that are built only where they are asked for.")
    communication: CommunicationSettings = Field(default_factory=CommunicationSettings)
    datasets: Annotated[dict[str, DatasetEntry], BeforeValidator(nothing_if_none)] = Field(
        default_factory=dict
    )
    releases: Annotated[dict[ReleaseName, ReleaseEntry], BeforeValidator(nothing_if_none)] = Field(
        default_factory=dict, description="What goes to the Hugging Face Hub, by name of the release."
    )
    _mistakes: dict[str, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, _: object) -> None:
        """Note which entries are those of names that no dataset can have."""
        for name in self.datasets:
            try:
                check_dataset_id(name)
            except InvalidDatasetIdError as error:
                self._mistakes[name] = f"datasets.yaml: datasets: {error}"

    @property
    def named(self) -> set[str]:
        """The datasets that have an entry, right or wrong."""
        return {*self.datasets, *self._mistakes}

    def entry(self, dataset_id: str) -> DatasetEntry:
        """Return the dataset's entry, or one that says nothing.

        Raises
        ------
        ConfigError
            If the entry cannot be followed.
        """
        if dataset_id in self._mistakes:
            raise ConfigError(self._mistakes[dataset_id])
        return self.datasets.get(dataset_id, DatasetEntry())

    def states(self, place: str, *, dataset_id: str) -> bool:
        """Whether the dataset's entry says something at a place: ``spatial``, ``spatial.image``."""
        found: object = self.datasets.get(dataset_id)
        for key in place.split("."):
            found = getattr(found, key, None)
        return found is not None

    def values(self, places: Iterable[str], *, dataset_id: str) -> dict[str, Any]:
        """Return plain values by their place: ``{"sentences.top_n": 2000}``.

        Parameters
        ----------
        places
            A section, all keys of which are returned, a key of one, or ``entry`` and a key of the dataset's,
            or what follows from it: ``entry.publication_doi``.
        """
        found: dict[str, Any] = {}
        for place in places:
            section, _, key = place.partition(".")
            settings = self.entry(dataset_id) if section == "entry" else getattr(self, section)
            plain = settings.model_dump(mode="json", include={key} if key else None)
            if key and key not in plain:
                plain = {key: getattr(settings, key)}
            found |= {f"{section}.{name}": value for name, value in plain.items()}
        return found


_SECTIONS: dict[str, type[Section]] = {
    "sentences": SentenceSettings,
    "split": SplitSpec,
    "projections": ProjectionSettings,
    "pseudocells": PseudocellSettings,
    "prompts": PromptSpec,
    "communication": CommunicationSettings,
    "cellxgene": Selection,
}

_PARTS_OF_ENTRY: dict[tuple[int | str, ...], type[Section]] = {
    ("limits",): LimitSettings,
    ("spatial",): SpatialEntry,
    ("spatial", "vision"): VisionEntry,
}


def parse_datasets_file(text: str) -> DatasetsFile:
    """Read `datasets.yaml`; an empty text is an empty file.

    What is wrong with the entry of one dataset is told by `DatasetsFile.entry`, of that dataset.

    Raises
    ------
    ConfigError
        Naming every place outside of the entries that is wrong, what stands there, and what may stand there.
    """
    try:
        content = _Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError) as error:  # ValueError: 2024-13-45 looks like a date
        raise ConfigError(f"datasets.yaml is not valid YAML: {error}. Correct it there.") from error
    try:
        return DatasetsFile.model_validate(content)
    except ValidationError as error:
        of_all, of_entries = _by_entry(error.errors())
        if of_all:
            raise ConfigError(_refusal(of_all)) from error
    right = {name: entry for name, entry in content["datasets"].items() if str(name) not in of_entries}
    parsed = DatasetsFile.model_validate({**content, "datasets": right})
    parsed._mistakes.update({name: _refusal(problems) for name, problems in of_entries.items()})
    return parsed


def _by_entry(problems: Iterable[ErrorDetails]) -> tuple[list[ErrorDetails], dict[str, list[ErrorDetails]]]:
    """Part what is wrong with entries of single datasets from all else."""
    of_all: list[ErrorDetails] = []
    of_entries: dict[str, list[ErrorDetails]] = {}
    for problem in problems:
        match problem["loc"]:
            case ("datasets", name, *_):
                of_entries.setdefault(str(name), []).append(problem)
            case _:
                of_all.append(problem)
    return of_all, of_entries


def _refusal(problems: Iterable[ErrorDetails]) -> str:
    listed = "; ".join(map(_describe, problems))
    return f"datasets.yaml: {listed}. Correct it there; the README lists the keys."


class _Loader(BoundedLoader):
    """Refuses a key that stands in one place twice, where YAML would keep the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"the key {key.value!r} stands there twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _describe(problem: ErrorDetails) -> str:
    place = ".".join(str(part) for part in problem["loc"] if part != "[key]") or "the top level"
    match problem["type"]:
        case "extra_forbidden":
            known = ", ".join(sorted(_model_at(problem["loc"][:-1]).model_fields))
            return f"{place} is not a key; known are {known}"
        case "model_type" | "dict_type":
            expected = "it should hold keys with values"
        case "string_type":
            is_switch = isinstance(problem["input"], bool)
            why = ", since YAML takes yes, no, on and off for true and false" if is_switch else ""
            expected = f"it should be a text; put it in quotes{why}"
        case "value_error":
            return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
        case _:
            expected = f"{problem['msg'][0].lower()}{problem['msg'][1:]}"
    return f"{place} is {problem['input']!r:.100}: {expected}"


def _model_at(place: tuple[int | str, ...]) -> type[Section]:
    match place:
        case ():
            return DatasetsFile
        case (str() as section,) if section in _SECTIONS:
            return _SECTIONS[section]
        case ("releases", *_):
            return ReleaseEntry
        case _:
            return _PARTS_OF_ENTRY.get(place[2:], DatasetEntry)
