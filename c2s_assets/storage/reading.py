"""A lake as people see it who analyse it or train on it: tables of many datasets as one, read only."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from c2s_assets.core.cells.uniform import CELLS, training_schema, uniform_columns, with_source_columns
from c2s_assets.core.columns import DATASET_ID, SPLIT
from c2s_assets.core.errors import C2SError, MissingInputError, UnknownNameError
from c2s_assets.core.genes.counting import COUNTED, count_genes
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.core.splits.sides import ALL_SIDES, SIDES
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.storage.choosing import choose_datasets, files_of, present_tables, problem_of
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_document, read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.sources.listing import withdrawn_datasets
from c2s_assets.storage.tables.scanning import scan_files

if TYPE_CHECKING:  # it costs a second to import, and who trains on sentences does without
    import anndata as ad

    from c2s_assets.core.tabular.samples import Samples


def open_lake(path: str | Path | None = None) -> "Lake":
    """Open a lake to read what is built in it.

    Parameters
    ----------
    path
        Folder of the lake; by default ``$C2S_LAKE``, and without that ``./lake``.

    Raises
    ------
    MissingInputError
        If there is no lake.
    C2SError
        If it is an address on a network.
    """
    layout = find_lake(path or os.environ.get("C2S_LAKE"))
    layout.require()
    return Lake(layout)


def require_side(side: str | None) -> None:
    """Refuse what is no side, and is not None for all of them.

    Raises
    ------
    UnknownNameError
        If it is something else.
    """
    if side is not None and side not in SIDES:
        raise UnknownNameError(f"{side!r} is no side. There are {ALL_SIDES}.")


@dataclass(frozen=True)
class Lake:
    """What is built in a lake, as lazy frames of Polars over one or many datasets; made by `open_lake`.

    Every method takes the ids of `datasets`; without any it is about all that the lake holds, but for those
    that CELLxGENE Discover has withdrawn. A table that is missing or outdated is refused, so that no dataset
    is left out, or used as it was before, without a word. Frames read the files when they are collected.
    """

    layout: Layout

    def datasets(self) -> pl.DataFrame:
        """Tell how every dataset stands.

        Returns
        -------
        One row per dataset: `dataset_id`, `title`, `organism`, `n_cells`, the `tables` that are built,
        and the `problems`: what is outdated or missing, and why.
        """
        rows = [self._describe(dataset_id) for dataset_id in choose_datasets(self.layout, None)]
        texts = dict.fromkeys((DATASET_ID, "title", "organism"), pl.String())
        lists = dict.fromkeys(("tables", "problems"), pl.List(pl.String()))
        return pl.DataFrame(rows, schema={**texts, "n_cells": pl.Int64(), **lists})

    def training(
        self,
        *,
        datasets: Sequence[str] | None = None,
        side: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Read the cells that are to be trained or tested on, each with its sentence, side and fold.

        Parameters
        ----------
        side
            ``"train"``, ``"validation"`` or ``"test"``; all if None, told apart by the column `split`.
        columns
            All if None, as docs/tables.md lists them: the same of the same types for every dataset. What only
            some sources have is in `source_columns`, as JSON.

        Raises
        ------
        UnknownNameError
            If there is no such dataset, side or column.
        MissingInputError
            If `train_test` of a dataset is missing or outdated.
        """
        require_side(side)
        schema = training_schema(self._settings.sentences.gene_lists)
        found = [
            [file for file in files if side in (None, file.parent.name)]
            for files in self.files("train_test", datasets).values()
        ]
        frames = [_uniform(scan_files(files), schema) for files in found if files]
        return _choose(_as_one(frames, with_source_columns(schema)), columns, of="training")

    def cells(
        self, *, datasets: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """Read all cells, also those that are on no side; see `training` for parameters and errors."""
        found = self.files("cell_metadata", datasets).values()
        frames = [_uniform(scan_files(files), CELLS) for files in found]
        return _choose(_as_one(frames, with_source_columns(CELLS)), columns, of="cells")

    def genes(self, *, datasets: Sequence[str] | None = None) -> pl.LazyFrame:
        """Count in how many datasets and cells each gene is expressed.

        Returns
        -------
        One row per feature id of a gene, in order: `feature_id`, the `symbol` that most datasets give it,
        `n_datasets` that have it, `n_datasets_expressed` in which a cell expresses it, and `n_cells` that do;
        copies of a cell are counted each. See `training` for errors.
        """
        found = self.files("feature_metadata", datasets).values()
        return count_genes(pl.concat([scan_files(files).select(COUNTED) for files in found]))

    def projections(self, name: str, *, datasets: Sequence[str] | None = None) -> pl.LazyFrame:
        """Read one projection, such as ``X_umap``, of all datasets that have it, or of those that are named.

        Returns
        -------
        `dataset_id`, `cell_id`, and the coordinates: ``UMAP1`` and so on. Where one dataset has more than
        another, they are null.

        Raises
        ------
        UnknownNameError
            If no dataset has it, or one of those that are named.
        MissingInputError
            If the projections of a dataset are missing or outdated.
        """
        found = {
            dataset_id: {file.stem: file for file in files}
            for dataset_id, files in self.files("projections", datasets).items()
        }
        having = [dataset_id for dataset_id, files in found.items() if name in files]
        if not having or (datasets is not None and len(having) < len(found)):
            lacking = next(dataset_id for dataset_id in found if dataset_id not in having)
            known = sorted({name for files in found.values() for name in files})
            raise UnknownNameError(f"{lacking} has no projection {name!r}. There are {', '.join(known)}.")
        frames = [
            scan_files([found[dataset_id][name]]).select(pl.lit(dataset_id).alias(DATASET_ID), pl.all())
            for dataset_id in having
        ]
        return pl.concat(frames, how="diagonal_relaxed")

    def expression(
        self,
        dataset_id: str,
        *,
        cells: Sequence[str] | pl.Expr | None = None,
        genes: Sequence[str] | None = None,
    ) -> "ad.AnnData":
        """Read the expression of some cells and genes of a dataset as AnnData; see `read_expression`."""
        from c2s_assets.storage.tables.expression import read_expression

        choose_datasets(self.layout, [dataset_id])
        return read_expression(dataset_id, lake=self.layout.root, cells=cells, genes=genes)

    def pseudobulk(
        self,
        *,
        datasets: Sequence[str] | None = None,
        side: str | None = None,
        where: pl.Expr | None = None,
    ) -> "Samples":
        """Read the sums of the cells of each donor, type and assay, as a matrix.

        Parameters
        ----------
        side
            ``"train"``, ``"validation"`` or ``"test"``; all if None.
        where
            A condition on the columns of the table: ``pl.col("cell_type") == "B cell"``.

        Returns
        -------
        `X` with the sums of counts, its `rows` and its `genes`: those that all of the datasets have.

        Raises
        ------
        UnknownNameError
            If there is no such dataset or side, or the datasets have no gene in common.
        MissingInputError
            If the table of a dataset is missing or outdated, or has no rows.
        """
        return self._samples("pseudobulk", datasets, side=side, where=where)

    def pseudocells(
        self,
        *,
        datasets: Sequence[str] | None = None,
        side: str | None = None,
        where: pl.Expr | None = None,
    ) -> "Samples":
        """Read draws of a few cells of each donor, type and assay; see `pseudobulk`."""
        return self._samples("pseudocells", datasets, side=side, where=where)

    def query(self, sql: str, *, as_is: bool = False) -> pl.DataFrame:
        """Ask the catalogue of all datasets, in SQL: ``from datasets``. See docs/queries.md.

        Parameters
        ----------
        as_is
            Whether a catalogue is asked that was built before the tables changed last.

        Raises
        ------
        MissingInputError
            If there is no catalogue, or it does not show the lake as it is now.
        QueryError
            If the SQL is not one query, is refused, or cannot be answered.
        """
        from c2s_assets.storage.catalogue.queries import read_query
        from c2s_assets.storage.catalogue.versions import is_current

        if not as_is and not is_current(self.layout, withdrawn=withdrawn_datasets(self.layout)):
            raise MissingInputError(
                'the catalogue is missing, or older than the tables. Renew it: c2s query "show tables". Or '
                "ask it as it was: query(sql, as_is=True)."
            )
        return read_query(self.layout, sql)

    def files(self, table: str, datasets: Sequence[str] | None = None) -> dict[str, list[Path]]:
        """Find the files of a table of each dataset; see `training` for errors."""
        tables = present_tables(self.layout, self._settings, table, datasets)
        return {dataset_id: files_of(self.layout, built) for dataset_id, built in tables.items()}

    def _samples(
        self, table: str, datasets: Sequence[str] | None, *, side: str | None, where: pl.Expr | None
    ) -> "Samples":
        from c2s_assets.core.tabular.samples import FEATURE_COLUMNS, join_samples

        require_side(side)
        of_side = pl.lit(value=True) if side is None else pl.col(SPLIT) == side
        wanted = of_side if where is None else of_side & where
        built = present_tables(self.layout, self._settings, table, datasets)
        used = [name for name in built if built[name].n_rows]
        empty = [name for name in built if name not in used]
        if empty and (datasets is not None or not used):
            raise MissingInputError(
                f"{table} of {empty[0]} has no rows; its checks say why: c2s show {empty[0]}"
            )
        files, features = self.files(table, used), self.files("feature_metadata", used)
        return join_samples(
            {name: scan_files(files[name]).filter(wanted).collect() for name in used},
            {name: scan_files(features[name]).select(FEATURE_COLUMNS).collect() for name in used},
        )

    @cached_property
    def _settings(self) -> DatasetsFile:
        return read_settings(self.layout)

    def _describe(self, dataset_id: str) -> dict[str, object]:
        dataset = Dataset(self.layout, dataset_id, self._settings)
        try:
            states = dataset.state()
        except C2SError as error:  # a torn record
            return {DATASET_ID: dataset_id, "tables": [], "problems": [str(error)]}
        cells = states["cell_metadata"].built
        described: dict[str, object] = {
            DATASET_ID: dataset_id,
            "n_cells": None if cells is None else cells.n_rows,
            "tables": [name for name, state in states.items() if state.standing == "built"],
            "problems": [problem_of(state) for state in states.values() if state.is_problem],
        }
        if states["dataset_profile"].standing != "missing":
            profile = read_document(self.layout.profile(dataset_id), DatasetProfile)
            described |= {"title": profile.origin_by(dataset.entry).title, "organism": profile.organism}
        return described


def _uniform(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    return frame.select(uniform_columns(frame.collect_schema(), schema))


def _as_one(frames: list[pl.LazyFrame], schema: pl.Schema) -> pl.LazyFrame:
    return pl.concat(frames) if frames else pl.LazyFrame(schema=schema)


def _choose(frame: pl.LazyFrame, columns: Sequence[str] | None, *, of: str) -> pl.LazyFrame:
    if columns is None:
        return frame
    known = frame.collect_schema().names()
    if unknown := [name for name in columns if name not in known]:
        raise UnknownNameError(
            f"{unknown[0]!r} is no column of {of}. A column of single datasets is in source_columns: "
            f"pl.col('source_columns').str.json_path_match('$.{unknown[0]}'). There are {', '.join(known)}."
        )
    return frame.select(columns)
