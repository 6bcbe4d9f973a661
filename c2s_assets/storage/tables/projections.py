"""Writes the tables of projections into one folder: what obsm holds as it is, and computed ones."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.errors import SourceError, UnsafeFileError
from c2s_assets.core.expression.sampling import draw_balanced
from c2s_assets.core.projections import manifold
from c2s_assets.core.projections.names import (
    COMPUTED,
    Method,
    axis_names,
    find_method,
    n_coordinates,
    table_names,
)
from c2s_assets.core.projections.reports import (
    MOST_AXES,
    MOST_FITTED,
    Comparison,
    Embedding,
    Form,
    LeftOut,
)
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.tables import Projection
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.tables.inputs import footer
from c2s_assets.storage.tables.obsm import Coordinates, Rows, sort_obsm
from c2s_assets.storage.tables.parquet import iter_table, read_rows, table_schema, to_arrow, write_blocks

# An array with more coordinates than this per cell is an image or a matrix, not an embedding.
_MOST_COORDINATES = 4_096
# Placing cells costs openTSNE 250 steps and umap-learn a search, whatever the number of cells.
_CELLS_PER_PLACING = 65_536

Blocks = Callable[[], Iterable[tuple[int, csr_array]]]


@dataclass(frozen=True)
class ProjectionFolder:
    """The folder of a dataset's projections while it is written.

    Attributes
    ----------
    path
        The folder; is made when the first table is written.
    cells
        `cell_id` and `donor_uid`, one row per cell.
    profile
        Of the source.
    """

    path: Path
    cells: pl.DataFrame
    profile: DatasetProfile

    def file(self, table: str) -> Path:
        """Where a table is."""
        return self.path / f"{table}.parquet"

    def blocks(self, table: str) -> Iterator[pl.DataFrame]:
        """Read a table in blocks of rows."""
        return iter_table(self.file(table))

    def export(self, h5ad: H5ad) -> tuple[list[Embedding], list[LeftOut]]:
        """Write what obsm holds: coordinates as float32, null where not finite; other columns as they are."""
        obsm = sort_obsm(h5ad)
        names = table_names([*obsm.coordinates, *obsm.rows])
        outcomes = [
            *(self._export_coordinates(name, names[name], found) for name, found in obsm.coordinates.items()),
            *(self._export_rows(name, names[name], found) for name, found in obsm.rows.items()),
        ]
        left_out = [LeftOut(f"obsm/{name}", why) for name, why in obsm.left_out.items()]
        return (
            [outcome for outcome in outcomes if isinstance(outcome, Embedding)],
            left_out + [outcome for outcome in outcomes if isinstance(outcome, LeftOut)],
        )

    def _export_coordinates(self, name: str, table: str, coordinates: Coordinates) -> Embedding | LeftOut:
        n_axes = n_coordinates(coordinates.shape)
        if not 1 <= n_axes <= _MOST_COORDINATES:
            why = f"it has {n_axes:,} coordinates per cell; from 1 to {_MOST_COORDINATES:,} are written."
            return LeftOut(f"obsm/{name}", f"{why} Read it from the source.")
        projection = _authors(name, table, axis_names(table, coordinates.shape))
        return _unless_broken(name, projection, partial(self._write, projection, coordinates.blocks()))

    def _export_rows(self, name: str, table: str, rows: Rows) -> Embedding | LeftOut:
        projection = _authors(name, table, rows.columns, form=rows.form)
        tables = rows.blocks(self.cells[CELL_ID])
        write = partial(self._write_tables, projection, tables, rows_per_group=rows.rows_per_group)
        return _unless_broken(name, projection, write)

    def compare(self, h5ad: H5ad, written: Sequence[Embedding]) -> dict[str, Comparison]:
        """Read each of the author's tables again and compare it with the source."""
        obsm = sort_obsm(h5ad)
        names = table_names([*obsm.coordinates, *obsm.rows])
        authors = {projection.table for projection in written if projection.source == "author"}
        compared = {}
        for name, coordinates in obsm.coordinates.items():
            if names[name] in authors:
                compared[names[name]] = self._compare_coordinates(names[name], coordinates)
        for name, rows in obsm.rows.items():
            if names[name] in authors:
                compared[names[name]] = self._compare_rows(names[name], rows)
        return compared

    def _compare_coordinates(self, table: str, coordinates: Coordinates) -> Comparison:
        found = Comparison()
        for start, values in coordinates.blocks():
            rows = read_rows(self.file(table), start, start + len(values)).drop(CELL_ID)
            found += _compare(rows, values)
        return found

    def _compare_rows(self, table: str, rows: Rows) -> Comparison:
        path, start, n_differ = self.file(table), 0, 0
        schema = table_schema(path)
        for block in rows.blocks(self.cells[CELL_ID]):
            found = read_rows(path, start, start + block.height)
            # As it is written: small integers become int32.
            n_differ += 0 if found.equals(pl.DataFrame(to_arrow(block, schema))) else block.height
            start += block.height
        return Comparison(n_differ=n_differ)

    def add_pca(
        self,
        blocks: Blocks,
        *,
        features: pl.Series,
        is_chosen: pl.Series,
        is_fitted: NDArray[np.bool_],
        fit_scope: str,
    ) -> Embedding | LeftOut:
        """Compute and write the principal components of the chosen features, in two passes over the matrix.

        Parameters
        ----------
        blocks
            Reads the matrix once more at each call.
        features, is_chosen
            Their ids in the order of the matrix, and which are looked at; null if that is not known.
        """
        from c2s_assets.core.expression import variability  # noqa: PLC0415  numba costs half a second
        from c2s_assets.core.projections import pca  # noqa: PLC0415

        columns = np.flatnonzero(is_chosen.fill_null(False).to_numpy())
        if is_fitted.sum() < 2:
            return LeftOut("PCA", f"components need two cells, and {int(is_fitted.sum())} may decide them.")
        if not columns.size:
            return LeftOut("PCA", _no_features(self.profile, is_chosen))
        is_counts = self.profile.verdict.kind == "counts"
        treatment = pca.Pretreatment(columns, is_counts=is_counts)
        components = pca.fit_components(blocks(), treatment, is_fitted=is_fitted)
        n_components = len(components.loadings)
        if n_components == 0:
            return LeftOut("PCA", "all cells are alike in the chosen features.")
        table = COMPUTED["PCA"]
        says = {
            "projection": table,
            "source": "computed",
            "method": "PCA",
            "computed_from": f"{self.profile.layer}, features with is_highly_variable in feature_metadata",
            "parameters": {
                "n_components": n_components,
                "n_features": int(columns.size),
                "values": f"log1p of counts per {variability.TARGET_COUNTS:,}"
                if is_counts
                else "as in the matrix",
                "centred": True,
                "scaled": False,
            },
            "libraries": [f"numpy {version('numpy')}", f"scipy {version('scipy')}"],
            "fit_scope": fit_scope,
            "n_fitted": components.n_fitted,
            "explained_variance": [float(v) for v in components.explained_variance],
            "explained_variance_ratio": [float(v) for v in components.explained_variance_ratio],
            "features": features.gather(columns).to_list(),
        }
        axes = axis_names(table, (n_components,))
        projection = Embedding(table, "computed", "PCA", axes, says, n_fitted=components.n_fitted)
        self._write(projection, pca.project(blocks(), treatment, components))
        return projection

    def add_manifold(
        self,
        method: Method,
        base: Embedding,
        *,
        is_fitted: NDArray[np.bool_],
        fit_scope: str,
        seed: int,
    ) -> Embedding | LeftOut:
        """Compute and write UMAP or t-SNE of the cells as they are in `base`, principal components.

        Of more than `MOST_FITTED` cells, as many are fitted, drawn from all donors alike, and the others are
        placed among them. A cell whose components are not all known gets null.
        """
        if not manifold.is_installed(method):
            return LeftOut(method, manifold.HOW_TO_INSTALL)
        axes = list(base.axes[:MOST_AXES])
        has_points = np.concatenate(
            [np.isfinite(_points(block, axes)).all(axis=1) for block in self.blocks(base.table)]
        )
        usable = np.flatnonzero(has_points & is_fitted)
        drawn = draw_balanced(
            self.cells[CELL_ID].gather(usable),
            self.cells["donor_uid"].gather(usable),
            n=MOST_FITTED,
            seed=seed,
        )
        rows = usable[drawn]
        points = self._read_points(base, axes, rows)
        if len(axes) < 2 or len(rows) < manifold.FEWEST_CELLS or np.ptp(points[:, 0]) == 0:
            return LeftOut(
                method,
                f"it takes {manifold.FEWEST_CELLS} cells that differ along two axes; {base.table} has "
                f"{len(axes)} for {len(rows):,} cells.",
            )
        fitted = manifold.fit(method, points, seed=seed)
        table = COMPUTED[method]
        says = {
            "projection": table,
            "source": "computed",
            "method": method,
            "computed_from": f"{base.table} ({base.source}), first {len(axes)} axes",
            "parameters": fitted.parameters,
            "libraries": [manifold.library_version(method)],
            "fit_scope": fit_scope,
            "n_fitted": len(rows),
        }
        axes_placed = axis_names(table, (2,))
        projection = Embedding(
            table, "computed", method, axes_placed, says, n_fitted=len(rows), notes=fitted.notes
        )
        placed = np.full((len(has_points), 2), np.nan, np.float32)
        placed[rows] = fitted.coordinates
        has_points[rows] = False
        self._write(projection, self._place(base, axes, fitted, placed=placed, is_other=has_points))
        return projection

    def _place(
        self,
        base: Embedding,
        axes: list[str],
        fitted: manifold.Manifold,
        *,
        placed: NDArray[np.float32],
        is_other: NDArray[np.bool_],
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield all cells, those that were fitted where they are and the others where they belong."""
        for start in range(0, len(placed), _CELLS_PER_PLACING):
            coordinates = placed[start : start + _CELLS_PER_PLACING]
            others = is_other[start : start + _CELLS_PER_PLACING]
            if others.any():
                rows = read_rows(self.file(base.table), start, start + len(coordinates), columns=axes)
                coordinates[others] = fitted.place(_points(rows, axes)[others])
            yield start, coordinates

    def _read_points(self, base: Embedding, axes: list[str], rows: NDArray[np.intp]) -> NDArray[np.float32]:
        found, start = [], 0
        for block in self.blocks(base.table):
            first, end = np.searchsorted(rows, (start, start + block.height))
            found.append(_points(block, axes)[rows[first:end] - start])
            start += block.height
        return np.concatenate(found)

    def _write(self, projection: Embedding, blocks: Iterable[tuple[int, NDArray[Any]]]) -> None:
        names = projection.axes
        tables = (
            _as_table(self.cells[CELL_ID].slice(start, len(values)), values, names)
            for start, values in blocks
        )
        self._write_tables(projection, tables)

    def _write_tables(
        self,
        projection: Embedding,
        tables: Iterable[pl.DataFrame],
        *,
        rows_per_group: int | None = None,
    ) -> None:
        says = footer("projections", self.profile, **projection.says)
        write_blocks(
            self.file(projection.table),
            tables,
            model=Projection,
            footer=says,
            rows_per_group=rows_per_group,
        )


def _unless_broken(name: str, projection: Embedding, write: Callable[[], None]) -> Embedding | LeftOut:
    """Write a table, or say why its source cannot be read, which is no reason to go without the others."""
    try:
        write()
    except UnsafeFileError:
        raise
    except SourceError as error:
        return LeftOut(f"obsm/{name}", str(error))
    return projection


def _authors(name: str, table: str, columns: Sequence[str], *, form: Form = "coordinates") -> Embedding:
    says = {"projection": table, "source": "author", "computed_from": f"obsm/{name}"}
    if form != "coordinates":
        return Embedding(table, "author", None, columns, says | {"form": form}, form=form)
    return Embedding(table, "author", find_method(name), columns, says)


def _as_table(cell_ids: pl.Series, values: NDArray[Any], axes: Sequence[str]) -> pl.DataFrame:
    coordinates = _to_float32(values)
    table = pl.DataFrame(coordinates, schema=list(axes), orient="row")
    known = table.select(pl.when(pl.col(axis).is_finite()).then(pl.col(axis)) for axis in axes)
    return pl.DataFrame([cell_ids.alias(CELL_ID), *known])


def _compare(rows: pl.DataFrame, values: NDArray[Any]) -> Comparison:
    expected = _to_float32(values)
    is_finite = np.isfinite(expected)
    written = _points(rows, rows.columns)
    if written.shape != expected.shape:
        return Comparison(n_differ=values.size)
    is_same = np.where(is_finite, written == expected, np.isnan(written))
    return Comparison(
        n_differ=int(np.count_nonzero(~is_same)),
        n_not_finite=int(values.size - np.count_nonzero(is_finite)),
        n_rounded=int(np.count_nonzero(is_finite & (expected.astype(np.float64) != values))),
    )


def _points(rows: pl.DataFrame, axes: list[str]) -> NDArray[np.float32]:
    """Take coordinates out of a table, shape ``(n_rows, n_axes)``; null becomes NaN."""
    return rows.select(pl.col(axes).fill_null(np.nan)).to_numpy(order="c").astype(np.float32, copy=False)


def _to_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def _no_features(profile: DatasetProfile, is_chosen: pl.Series) -> str:
    if is_chosen.null_count():
        return (
            f"{profile.layer} holds {profile.verdict.kind} values, of which no feature can be called highly "
            "variable. Name counts or log-normalised values as layer in the dataset's entry of datasets.yaml."
        )
    return "no feature varies among the cells."
