"""Compares the tables of a dataset with the source as anndata reads it, part by part."""

import json
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse

EQUAL = "equal"


class DiffersError(Exception):
    """A table holds something else than the source."""


@dataclass(frozen=True)
class Part:
    """A part of the source that became a table.

    Attributes
    ----------
    read
        Reads it from the source.
    compare
        Raises whatever it likes if the table does not hold what was read.
    """

    name: str
    read: Callable[[], Any]
    compare: Callable[[Any], None]

    def outcome(self) -> str:
        """Say `equal`, `differs: ...`, or `unread: ...` if the source cannot be read."""
        try:
            with warnings.catch_warnings(action="ignore"):  # that the file is old, or odd
                expected = self.read()
        except Exception as error:
            return f"unread: {type(error).__name__}: {error}"[:300]
        try:
            self.compare(expected)
        except Exception as error:
            return f"differs: {type(error).__name__}: {error}"
        return EQUAL


def compare_with_source(source: Path, dataset: Path) -> Iterator[tuple[str, str]]:
    """Yield name and outcome of each part of the source that became a table, see `Part`.

    Parameters
    ----------
    dataset
        Folder of the dataset in the lake.
    """
    profile = json.loads((dataset / "profile.json").read_bytes())
    with h5py.File(source, "r") as file:
        for part in _parts(file, dataset, profile):
            yield part.name, part.outcome()


def compare_with_each_other(dataset: Path) -> Iterator[tuple[str, str]]:
    """Yield as `compare_with_source`, for what must hold between tables whatever the source is."""
    for table, compare in (
        ("split_manifest.parquet", _compare_manifest),
        ("cell_sentences", _compare_sentences),
        ("train", _compare_sides),
        ("test", _compare_sides),
    ):
        if (dataset / table).exists():
            yield table, Part(table, lambda: dataset, compare).outcome()


def differing_tables(dataset: Path, other: Path) -> list[str]:
    """Name the files of two datasets that do not hold the same tables; footers do not count."""
    names = {str(path.relative_to(folder)) for folder in (dataset, other) for path in folder.rglob("*")}
    tables = sorted(name for name in names if name.endswith(".parquet") or name.startswith("unstructured"))
    return [name for name in tables if not _is_same(dataset / name, other / name)]


def _is_same(path: Path, other: Path) -> bool:
    if not (path.exists() and other.exists()):
        return False
    if path.suffix == ".json":
        return path.read_bytes() == other.read_bytes()
    # By way of Arrow's own encoding of both, in which two nulls, and two NaN, are the same.
    return pq.read_table(path).to_pydict() == pq.read_table(other).to_pydict()


def _parts(file: h5py.File, dataset: Path, profile: dict[str, Any]) -> Iterator[Part]:
    layer = profile["layer"]
    matrix, var = ("raw/X", "raw/var") if layer == "raw.X" else (layer, "var")
    cells, features = dataset / "cell_metadata.parquet", dataset / "feature_metadata.parquet"
    if cells.exists():
        yield Part("obs index", lambda: _index(file["obs"]), partial(_match, cells, "cell_id"))
        yield from _columns(file, "obs", cells, profile["obs_columns"])
    if features.exists():
        columns = profile["raw_var_columns" if layer == "raw.X" else "var_columns"]
        yield Part("var index", lambda: _index(file[var]), partial(_match, features, "var_name"))
        yield from _columns(file, var, features, columns)
    for table, compare in (
        ("feature_metadata.parquet", _match_figures),
        ("expression", _match_expression),
        ("expression_matrix", _match_wide),
        ("cell_sentences", _match_sentences),
    ):
        if (dataset / table).exists():
            yield Part(f"{layer} in {table}", lambda: _dense(file[matrix]), partial(compare, dataset))
    for name in profile["embeddings"]:
        table = dataset / "projections" / f"{name}.parquet"
        if table.exists():
            place = f"obsm/{name}"
            yield Part(place, partial(_array, file, place), partial(_match_embedding, table))


def _columns(file: h5py.File, frame: str, table: Path, columns: list[dict[str, Any]]) -> Iterator[Part]:
    written = pq.read_schema(table).names
    for column in columns:
        place, name, read = f"{frame}/{column['name']}", column["name_in_table"], _values
        if name not in written:  # what is curated of it is the same
            name = column["name"]
            read = _values if name == "is_primary_data" else _texts
        if column["not_read"] is None and name in written:
            yield Part(place, partial(read, file, place), partial(_match, table, name))


def _index(frame: Any) -> list[str]:
    """Read an index, which is text in every table."""
    return [str(value) for value in _plain(ad.io.read_elem(frame[frame.attrs["_index"]]))]


def _texts(file: h5py.File, place: str) -> list[str | None]:
    """Read a column of names, which are text in every table."""
    return [None if value is None else str(value) for value in _values(file, place)]


def _values(file: h5py.File, place: str) -> list[Any]:
    return _plain(ad.io.read_elem(file[place]))


def _array(file: h5py.File, place: str) -> NDArray[Any]:
    """Read coordinates, of which all axes beyond the cells stand side by side."""
    values = np.asarray(ad.io.read_elem(file[place]))
    return values.reshape(len(values), -1)


def _dense(element: Any) -> NDArray[Any]:
    values = ad.io.read_elem(element)
    values = values.toarray() if sparse.issparse(values) else np.asarray(values)
    return values.astype(np.float32)


def _plain(values: Any) -> list[Any]:
    """List values as Python has them: text decoded, what is missing as None."""
    return [_plain_value(value) for value in pd.Series(values).astype(object)]


def _plain_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is pd.NA or (isinstance(value, float) and np.isnan(value)) else value


def _column(table: Path, name: str) -> list[Any]:
    values: list[Any] = pq.read_table(table, columns=[name])[name].to_pylist()
    return values


def _match(table: Path, name: str, expected: list[Any]) -> None:
    _match_lists(_column(table, name), expected)


def _match_lists(found: list[Any], expected: list[Any]) -> None:
    if len(found) != len(expected):
        raise DiffersError(f"{len(found)} rows, {len(expected)} in the source")
    for row, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if ours != theirs and not (_is_none(ours) and _is_none(theirs)):
            raise DiffersError(f"row {row} is {ours!r}, {theirs!r} in the source")


def _is_none(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _match_arrays(found: NDArray[Any], expected: NDArray[Any]) -> None:
    if found.shape != expected.shape:
        raise DiffersError(f"shape {found.shape}, {expected.shape} in the source")
    with np.errstate(over="ignore"):
        expected = expected.astype(found.dtype)
    if not np.array_equal(found, expected, equal_nan=True):
        is_same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        at = tuple(int(i) for i in np.argwhere(~is_same)[0])
        raise DiffersError(f"{found[at]} at {at}, {expected[at]} in the source")


def _match_expression(dataset: Path, expected: NDArray[np.float32]) -> None:
    table = pq.read_table(dataset / "expression").to_pydict()
    found = np.zeros((len(table["value"]), expected.shape[1]), np.float32)
    for row, (indices, values) in enumerate(zip(table["feature_index"], table["value"], strict=True)):
        if len(set(indices)) != len(indices) or 0 in values:
            raise DiffersError(f"row {row} lists a feature twice, or a zero")
        found[row, indices] = values
    _match_arrays(found, expected)


def _match_wide(dataset: Path, expected: NDArray[np.float32]) -> None:
    _match_wide_table(dataset / "expression_matrix", expected)


def _match_embedding(table: Path, expected: NDArray[Any]) -> None:
    """Compare coordinates, of which those that are not finite are written as null."""
    with np.errstate(over="ignore"):
        expected = expected.astype(np.float32)
    _match_wide_table(table, np.where(np.isfinite(expected), expected, np.nan))


def _match_wide_table(table: Path, expected: NDArray[Any]) -> None:
    columns = pq.read_table(table).drop_columns("cell_id").itercolumns()
    found = [column.to_numpy() for column in columns]
    _match_arrays(np.column_stack(found).astype(np.float32), expected)


def _match_figures(dataset: Path, expected: NDArray[np.float32]) -> None:
    _match(dataset / "feature_metadata.parquet", "n_cells", (expected != 0).sum(axis=0).tolist())


def _match_sentences(dataset: Path, expected: NDArray[np.float32]) -> None:
    """Compare the words of each cell with the values of its features: all, and the highest first."""
    symbols = _column(dataset / "feature_metadata.parquet", "symbol")
    sentences = _column(dataset / "cell_sentences", "cell_sentence")
    if len(sentences) != len(expected):
        raise DiffersError(f"{len(sentences)} sentences, {len(expected)} cells in the source")
    for row, (sentence, values) in enumerate(zip(sentences, expected, strict=True)):
        highest: dict[str, float] = {}
        for symbol, value in zip(symbols, values.tolist(), strict=True):
            if symbol is not None and value > 0:
                highest[symbol] = max(value, highest.get(symbol, 0.0))
        words = sentence.split()
        if sorted(words) != sorted(highest):
            raise DiffersError(f"cell {row} has {len(words)} words, and {len(highest)} symbols in the source")
        ranked = [highest[word] for word in words]
        if ranked != sorted(ranked, reverse=True):
            raise DiffersError(f"the words of cell {row} are not in the order of its values")


def _compare_manifest(dataset: Path) -> None:
    cells = pq.read_table(dataset / "cell_metadata.parquet", columns=["cell_id", "donor_uid"]).to_pylist()
    manifest = pq.read_table(dataset / "split_manifest.parquet").to_pylist()
    by = "donor_uid" if manifest[0]["split_level"] == "donor" else "cell_id"
    units = [row[by] for row in manifest]
    if len(set(units)) != len(units):
        raise DiffersError(f"a {by} has two rows")
    if set(units) != {cell[by] for cell in cells}:
        raise DiffersError(f"the manifest has other {by} than cell_metadata")
    if sum(row["n_cells"] for row in manifest) != len(cells):
        raise DiffersError("the manifest does not count all cells")


def _compare_sentences(dataset: Path) -> None:
    _match(dataset / "cell_sentences", "cell_id", _column(dataset / "cell_metadata.parquet", "cell_id"))


def _compare_sides(dataset: Path) -> None:
    manifest = pq.read_table(dataset / "split_manifest.parquet").to_pylist()
    sentences = pq.read_table(dataset / "cell_sentences").to_pydict()
    sentence_of = dict(zip(sentences["cell_id"], sentences["cell_sentence"], strict=True))
    by = "donor_uid" if manifest[0]["split_level"] == "donor" else "cell_id"
    side_of = {row[by]: row["split"] for row in manifest}
    seen: set[str] = set()
    for side in ("train", "validation", "test"):
        folder = dataset / side
        for row in pq.read_table(folder).to_pylist() if folder.exists() else []:
            if row["cell_id"] in seen:
                raise DiffersError(f"{row['cell_id']} is in the sides twice")
            seen.add(row["cell_id"])
            if side_of[row[by]] != side or row["split"] != side:
                raise DiffersError(f"{row['cell_id']} is in {side}, its {by} is not")
            if row["cell_sentence"] != sentence_of[row["cell_id"]]:
                raise DiffersError(f"{row['cell_id']} has another sentence in {side}")
    n_eligible = sum(row["n_eligible"] for row in manifest)
    if len(seen) != n_eligible:
        raise DiffersError(f"{len(seen)} cells on all sides, {n_eligible} in the manifest")
