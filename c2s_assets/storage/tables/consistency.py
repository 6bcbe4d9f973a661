"""The tables of one dataset looked at together: which are there, what cells they hold, what values."""

from collections.abc import Iterator
from dataclasses import dataclass
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
from c2s_assets.core.splits.manifest import SIDES, TEST, TRAIN
from c2s_assets.schemas.documents import CoverageReport, DatasetProfile, RangeReport
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables.inputs import SOURCE
from c2s_assets.storage.tables.parquet import iter_table, read_footer, read_table, table_schema

# The tables of a folder of parts that have one row per cell.
_PER_CELL = ("expression", "expression_matrix", "cell_sentences")
_EXPRESSION, _VALUE = "expression", "value"


@dataclass(frozen=True)
class Tables:
    """The tables of a dataset, of one version of its source file.

    Whatever is missing, or was made from another version, is None or left out.
    """

    layout: Layout
    dataset_id: str
    source_sha256: str

    def find(self, asset: str) -> tuple[bool, str | None]:
        """Tell whether an asset's files are there and, if they say so, which source they were made from."""
        paths = [path for path in self._paths(asset) if path.exists()]
        tables = [path for path in paths if path.suffix not in (".h5ad", ".json")]
        if asset == "dataset_profile" and paths:
            return True, read_document(paths[0], DatasetProfile).source_sha256
        stated = {str(read_footer(path).get(SOURCE)) for path in tables}
        other = next((source for source in stated if source != self.source_sha256), None)
        return bool(paths), other or (self.source_sha256 if stated else None)

    def has(self, asset: str) -> bool:
        """Whether an asset has any file, of whatever version of the source."""
        return any(path.exists() for path in self._paths(asset))

    def compare(self) -> list[TableAgreement] | None:
        """Compare all rows of every table that has one per cell with `cell_metadata`; None without that."""
        cells_path = self._current("cell_metadata")
        if cells_path is None:
            return None
        cells = read_table(cells_path, columns=[CELL_ID])[CELL_ID]
        found = [
            compare_cells(name, _cell_ids(path), cells, is_current=self._is_current(path))
            for name, path in self._per_cell()
        ]
        sides = [path for path in self._paths("train_test") if path.exists()]
        if sides:
            ids = pl.concat([read_table(path, columns=[CELL_ID])[CELL_ID] for path in sides])
            is_current = all(self._is_current(path) for path in sides)
            found.append(compare_sides(SIDES, ids, cells, is_current=is_current))
        return found

    def ranges(self) -> list[RangeReport]:
        """Tell the smallest and largest values of expression, ages and embeddings."""
        found = []
        expression, cells = self._current(_EXPRESSION), self._current("cell_metadata")
        if expression is not None:
            found.append(_range_of_values(expression))
        if cells is not None:
            found += [_range(cells, [name], table="cell_metadata") for name in (AGE, AGE_LOW, AGE_HIGH)]
        return found + [
            _range(path, columns, table=name)
            for name, path in self._projections()
            if self._is_current(path) and (columns := _numbers(path))
        ]

    def coverage(self) -> CoverageReport | None:
        """Tell how many genes have a symbol, and how many an Ensembl id."""
        path = self._current("feature_metadata")
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

    def _paths(self, asset: str) -> list[Path]:
        layout, dataset_id = self.layout, self.dataset_id
        single = {
            "raw_h5ad": layout.raw_h5ad,
            "dataset_profile": layout.profile,
            "unstructured_metadata": layout.unstructured_metadata,
            "validation_report": layout.validation_report,
        }
        if asset in single:
            return [single[asset](dataset_id)]
        match asset:
            case "train_test":
                return [layout.parts(side, dataset_id) for side in (TRAIN, TEST)]
            case "projections":
                return sorted(layout.projections(dataset_id).glob("*.parquet"))
            case _:
                return [layout.table(asset, dataset_id), layout.parts(asset, dataset_id)]

    def _current(self, asset: str) -> Path | None:
        """Find a table that was made from this version of the source."""
        found = (path for path in self._paths(asset) if path.exists() and self._is_current(path))
        return next(found, None)

    def _is_current(self, path: Path) -> bool:
        return read_footer(path).get(SOURCE) == self.source_sha256

    def _per_cell(self) -> Iterator[tuple[str, Path]]:
        for name in _PER_CELL:
            path = self.layout.parts(name, self.dataset_id)
            if path.exists():
                yield name, path
        yield from self._projections()

    def _projections(self) -> Iterator[tuple[str, Path]]:
        for path in self._paths("projections"):
            if CELL_ID in table_schema(path).names:
                yield f"{path.parent.name}/{path.name}", path


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
        metadata = pq.read_metadata(file)
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
