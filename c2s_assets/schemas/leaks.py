"""What the tables of copies of cells must look like; see `tables` for where the descriptions appear."""

from typing import ClassVar

import pandera.polars as pr
import polars as pl

from c2s_assets.core.leaks.scores import SPLITS, TASKS, UNITS
from c2s_assets.schemas.columns import column

_NOT_EMPTY = {"min_value": 1}


class DonorAliases(pr.DataFrameModel):
    """One row per pair of donors that share cells: whether they are one person, and by what evidence."""

    donor_uid: str = column("Donor, the first of the two in alphabetical order.", str_length=_NOT_EMPTY)
    other_donor_uid: str = column("The other donor.", str_length=_NOT_EMPTY)
    is_same_person: bool = column("Whether they share more cells than chance allows.")
    n_shared_cells: pl.Int64 = column("Cells of the first of which the other has a copy.", ge=0)
    n_exact: pl.Int64 = column("Of these, cells whose copy has the same counts of the same genes.", ge=0)
    n_expected_by_chance: pl.Float32 = column("Copies that unrelated donors like these would show.", ge=0)
    n_cells: pl.Int64 = column("Cells of the first that carry evidence, in all these datasets.", ge=0)
    n_other_cells: pl.Int64 = column("Cells of the other that carry evidence.", ge=0)
    datasets: pl.List = column("Datasets with a cell that the two share.", items=pl.String())

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["donor_uid", "other_donor_uid"]


class CellPairs(pr.DataFrameModel):
    """One row per pair of cells of two datasets, or of one, that are copies: kept until either is renewed."""

    row: pl.Int32 = column("Row of the cell in the tables of the first dataset.", ge=0)
    other_row: pl.Int32 = column("Row of its copy in the tables of the other.", ge=0)
    is_exact: bool = column("Whether the two have the same counts of the same genes.")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class SplitCopies(pr.DataFrameModel):
    """One row per cell that is on no side because a copy of it is used."""

    dataset_id: str = column("Key of the dataset in this lake.", str_length=_NOT_EMPTY)
    cell_id: str = column("Cell, as in cell_metadata.", str_length=_NOT_EMPTY)
    is_repeated: bool = column("Whether it is no primary data, and another copy is used in its place.")
    is_on_two_sides: bool = column(
        "Whether it would be on another side than the copy that is used, or on one by chance."
    )
    kept_dataset_id: str = column("Dataset of that copy.", null="if none is on a side")
    kept_cell_id: str = column("That copy.", null="if none is on a side")

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["dataset_id", "cell_id"]


class Leaks(pr.DataFrameModel):
    """One row per leak between the written sides of the lake: a donor, or cells, on two of them."""

    kind: str = column(
        "donor: on two sides under one id; person: under several; quarantine: on a side in spite of it; not "
        "as planned: on another side than the plan says; exact copy: cells with the same counts; copy: cells "
        "that agree in most genes."
    )
    what: str = column("The donor, the person, or the first such cell.")
    sides: pl.List = column("The sides it is on.", items=pl.String())
    datasets: pl.List = column("The datasets that hold it.", items=pl.String())
    n_cells: pl.Int64 = column("Cells that it is about.", ge=0)

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["kind", "what"]


class AuditedDatasets(pr.DataFrameModel):
    """One row per dataset with sides: which files of it the last audit has seen, and what they hold."""

    dataset_id: str = column("Key of the dataset in this lake.", unique=True, str_length=_NOT_EMPTY)
    sides_digest: str = column("SHA-256 of names and contents of the files of its sides.")
    manifest_digest: str = column("SHA-256 of the name and content of its split_manifest.")
    seen: str = column("By which the files are known to be the same: digest of their names, sizes and times.")
    n_train: pl.Int64 = column("Cells in train.", ge=0)
    n_validation: pl.Int64 = column("Cells in validation.", ge=0)
    n_test: pl.Int64 = column("Cells in test.", ge=0)
    n_non_primary: pl.Int64 = column("Of these, cells that are not the canonical copy.", ge=0)
    n_without_fingerprint: pl.Int64 = column("Of these, cells whose copies cannot be found.", ge=0)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class AuditedDonors(pr.DataFrameModel):
    """One row per donor, dataset and side: how many cells the files hold, kept until they are others."""

    dataset_id: str = column("Key of the dataset in this lake.", str_length=_NOT_EMPTY)
    donor_id: str = column("Donor, as the source names it.", null="where it names none")
    donor_uid: str = column("Donor across datasets.", null="where the source names none")
    is_known: bool = column("Whether the donor can be told from others.")
    split: str = column("Side whose folder holds the cells.")
    n_cells: pl.Int64 = column("Its cells.", ge=1)

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["dataset_id", "donor_id", "donor_uid", "is_known", "split"]


class AuditedCells(pr.DataFrameModel):
    """One row per cell on a side that has a hash, and one more if it has copies; kept as AuditedDonors."""

    hash: pl.Int64 = column("Hash of its counts, or group of its copies; the last two bits are the side.")
    is_group: bool = column("Whether it is a group of copies.")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class LeakInflation(pr.DataFrameModel):
    """One row per task, unit and split: how well a model does; see docs/splits.md."""

    task: str = column("What is predicted: age or cell_type.", isin=TASKS)
    unit: str = column(
        "A row is a cell, or the mean of the cells of a type, a person and a dataset: pseudobulk.", isin=UNITS
    )
    split: str = column("What was held out, a fifth at a time: random rows, donors, datasets.", isin=SPLITS)
    score: pl.Float32 = column(
        "Of age, the share of its variance that is explained (R2); of types, the share that is right.",
        null="if it cannot be computed",
        le=1,
    )
    chance: pl.Float32 = column(
        "Score of predicting the mean age, or the most frequent type.", null="without a score"
    )
    n_train: pl.Int64 = column("Rows that each model learned from.", ge=0)
    n_test: pl.Int64 = column("Rows that were predicted, each by a model that did not see it.", ge=0)
    n_donors: pl.Int64 = column("Persons of whom they are.", ge=0)
    reason: str = column("Why there is no score.", null="if there is one")

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["task", "unit", "split"]


class CellCopies(pr.DataFrameModel):
    """One row per cell of a dataset of which there are copies, in this dataset or in another."""

    cell_id: str = column("Cell, as in cell_metadata.", unique=True, str_length=_NOT_EMPTY)
    donor_uid: str = column(
        "Donor across datasets: <collection_id or dataset_id>/<donor_id>.", null="where the source names none"
    )
    is_primary_data: bool = column(
        "Whether it is the canonical copy of the cell.", null="where the source does not say"
    )
    copy_group: pl.Int64 = column("Rows of all datasets with the same value are one cell.", ge=0)
    n_datasets: pl.Int32 = column("Datasets that hold the cell, this one among them.", ge=1)
    has_primary: bool = column(
        "Whether the lake holds a copy of it that is canonical, or of which nothing is said."
    )
    is_exact: bool = column("Whether a copy has the same counts of the same genes.")

    class Config:
        """Nothing else belongs into it."""

        strict = True
