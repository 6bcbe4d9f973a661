"""The tables of one dataset looked at together: which are there, what cells they hold, what values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from c2s_assets.core.columns import AGE, AGE_HIGH, AGE_LOW, CELL_ID, FEATURE_ID, FEATURE_KIND, SYMBOL
from c2s_assets.core.genes.kinds import GENE
from c2s_assets.core.genes.symbols import is_ensembl_id
from c2s_assets.core.reports.validation import TableAgreement, compare_cells, compare_sides
from c2s_assets.core.splits.sides import ALL_SIDES
from c2s_assets.schemas.documents import CoverageReport, RangeReport
from c2s_assets.schemas.registry import CELLS, FEATURES, TABLES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.shapes import peek
from c2s_assets.storage.tables.parquet import iter_table, read_table, table_schema

_EXPRESSION, _VALUE = "expression", "value"


@dataclass(frozen=True)
class Tables:
    """Tables of a dataset compared with each other; what is missing, or of another source, is left out."""

    dataset: Dataset

    def compare(self) -> list[TableAgreement] | None:
        """Compare all rows of every table that has one per cell with `cell_metadata`; None without that."""
        cells_path = self._current(CELLS)
        if cells_path is None:
            return None
        cells = read_table(cells_path, columns=[CELL_ID])[CELL_ID]
        found = [
            compare_cells(name, _cell_ids(path), cells, is_current=self._is_current(asset))
            for asset, name, path in self._per_cell()
        ]
        sides = self._paths("train_test")
        if sides:
            ids = pl.concat([read_table(path, columns=[CELL_ID])[CELL_ID] for path in sides])
            found.append(compare_sides(ALL_SIDES, ids, cells, is_current=self._is_current("train_test")))
        return found

    def ranges(self) -> list[RangeReport]:
        """Tell the smallest and largest values of expression, ages and embeddings."""
        found = []
        expression, cells = self._current(_EXPRESSION), self._current(CELLS)
        if expression is not None:
            found.append(_range_of_values(expression))
        if cells is not None:
            found += [_range(cells, [name], table=CELLS) for name in (AGE, AGE_LOW, AGE_HIGH)]
        if not self._is_current("projections"):
            return found
        return found + [
            _range(path, columns, table=name)
            for name, path in self._projections()
            if (columns := _numbers(path))
        ]

    def coverage(self) -> CoverageReport | None:
        """Tell how many genes have a symbol, and how many an Ensembl id."""
        path = self._current(FEATURES)
        if path is None or FEATURE_KIND not in table_schema(path).names:
            return None
        features = read_table(path, columns=[FEATURE_ID, SYMBOL, FEATURE_KIND])
        genes = features.filter(pl.col(FEATURE_KIND) == GENE)
        shares = genes.select(
            symbol=pl.col(SYMBOL).is_not_null().mean(), ensembl=is_ensembl_id(pl.col(FEATURE_ID)).mean()
        ).row(0, named=True)
        return CoverageReport(
            n_features=features.height,
            n_genes=genes.height,
            frac_with_symbol=shares["symbol"] or 0.0,
            frac_with_ensembl_id=shares["ensembl"] or 0.0,
        )

    @cached_property
    def _made_from(self) -> Mapping[str, str]:
        return {name: built.made_from.source_sha256 for name, built in self.dataset.record().built.items()}

    def _is_current(self, asset: str) -> bool:
        """Whether it was made from the present source, by whatever settings, and whoever changed it since."""
        return self._made_from.get(asset) == self.dataset.source.sha256

    def _paths(self, asset: str) -> list[Path]:
        """Find the folders or files of an asset that are there, of whatever version."""
        places = self.dataset.layout.places(asset, self.dataset.dataset_id)
        return [place for place in places if place.exists()]

    def _current(self, asset: str) -> Path | None:
        """Find a table that was made from the present source."""
        return next(iter(self._paths(asset)), None) if self._is_current(asset) else None

    def _per_cell(self) -> Iterator[tuple[str, str, Path]]:
        """Find the tables with one row per cell: their asset, their name, their path."""
        for asset, declared in TABLES.items():
            if declared.follows_cells:
                yield from ((asset, asset, path) for path in self._paths(asset))
        yield from (("projections", name, path) for name, path in self._projections())

    def _projections(self) -> Iterator[tuple[str, Path]]:
        for folder in self._paths("projections"):
            for path in sorted(folder.glob("*.parquet")):
                if CELL_ID in table_schema(path).names:
                    yield f"{folder.name}/{path.name}", path


def _cell_ids(path: Path) -> Iterator[pl.Series]:
    """Read the cell ids of a table, a file at a time.

    A file of `expression_matrix` has 29,400 columns: opening it and reading this one takes Polars 0.06 s, and
    pyarrow, as in `iter_table`, 0.2 s.
    """
    return (read_table(file, columns=[CELL_ID])[CELL_ID] for file in _files(path))


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def _numbers(path: Path) -> list[str]:
    """Name the columns of numbers; a table that stood in obsm may have others."""
    return [
        field.name
        for field in table_schema(path)
        if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
    ]


def _range(path: Path, columns: list[str], *, table: str) -> RangeReport:
    """Read columns of numbers, block by block."""
    n_missing = n_not_finite = 0
    least, most = np.inf, -np.inf
    for block in iter_table(path, columns=columns):
        n_missing += sum(block.null_count().row(0))
        values = _finite(block)
        n_not_finite += block.height * block.width - sum(block.null_count().row(0)) - values.size
        least, most = min(least, values.min(initial=np.inf)), max(most, values.max(initial=-np.inf))
    has_values = least <= most
    return RangeReport(
        table=table,
        columns=columns[0] if len(columns) == 1 else f"{columns[0]} to {columns[-1]}",
        n_missing=n_missing,
        n_not_finite=n_not_finite,
        min_value=float(least) if has_values else None,
        max_value=float(most) if has_values else None,
    )


def _finite(block: pl.DataFrame) -> NDArray[np.floating]:
    values = block.to_numpy().astype(np.float64, copy=False).ravel()
    return values[np.isfinite(values)]


def _range_of_values(path: Path) -> RangeReport:
    """Read the range of all values of `expression` from the statistics in its footers.

    NaN and infinities cannot be there: the reader of the h5ad refuses them.
    """
    least, most = np.inf, -np.inf
    for file in _files(path):
        with peek(file) as footer:
            metadata = pq.read_metadata(footer)
        for group in range(metadata.num_row_groups):
            columns = (metadata.row_group(group).column(i) for i in range(metadata.num_columns))
            column = next(column for column in columns if column.path_in_schema.split(".")[0] == _VALUE)
            if column.statistics is not None and column.statistics.has_min_max:
                least, most = min(least, column.statistics.min), max(most, column.statistics.max)
    has_values = least <= most
    return RangeReport(
        table=_EXPRESSION,
        columns=_VALUE,
        n_missing=0,
        n_not_finite=None,
        min_value=float(least) if has_values else None,
        max_value=float(most) if has_values else None,
    )
