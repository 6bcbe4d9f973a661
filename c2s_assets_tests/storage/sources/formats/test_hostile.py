"""Files and folders that are damaged, or made to do harm: each is refused in words, and leaves nothing."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import SourceError
from c2s_assets.storage.sources.adding import Wish, add_path
from c2s_assets.storage.sources.formats import gzipped, mtx
from c2s_assets_tests.storage.sources.apart import nothing_apart
from c2s_assets_tests.storage.sources.formats.building import (
    BARCODES,
    lines,
    matrix_text,
    write_gzipped,
    write_h5mu,
    write_loom,
    write_matrix_folder,
    write_tenx_v3,
    write_zarr,
)
from c2s_assets_tests.toy import make_lake

__all__ = ["nothing_apart"]
pytestmark = pytest.mark.usefixtures("nothing_apart")


def _zarr(change: Callable[[Path], None], *, version: int = 2) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = write_zarr(folder / "toy.zarr", version=version)
        change(path)
        return path

    return write


def _index(axis: Path, name: str) -> Path:
    """Find what describes an array of names; anndata 0.13 writes one of null values beside them."""
    folder = axis / "_index"
    return (folder / "values" if (folder / "values").is_dir() else folder) / name


def _pickled(store: Path) -> None:
    """Code that numcodecs would run when the values are read."""
    path = _index(store / "obs", ".zarray")
    described = json.loads(path.read_text())
    path.write_text(json.dumps(described | {"filters": [{"id": "pickle"}], "compressor": None}))


def _pickled_v3(store: Path) -> None:
    path = _index(store / "obs", "zarr.json")
    described = json.loads(path.read_text())
    inner = [{"name": "numcodecs.pickle"}]
    shard = {"name": "sharding_indexed", "configuration": {"codecs": inner, "index_codecs": []}}
    path.write_text(json.dumps(described | {"codecs": [shard]}))


def _leading_out(store: Path) -> None:
    (store / "obs" / "secret").symlink_to("/etc")


def _boundless(store: Path) -> None:
    path = store / "X" / "data" / ".zarray"
    described = json.loads(path.read_text())
    path.write_text(json.dumps(described | {"shape": [10**12]}))


def _with_large_chunks(store: Path) -> None:
    path = store / "X" / "data" / ".zarray"
    described = json.loads(path.read_text())
    path.write_text(json.dumps(described | {"chunks": [2**31]}))


def _no_json(store: Path) -> None:
    _index(store / "var", ".zarray").write_text("[" * 10_000)


def _hdf5(
    write: Callable[[Path], Path], name: str, change: Callable[[h5py.File], None]
) -> Callable[[Path], Path]:
    def changed(folder: Path) -> Path:
        path = write(folder / name)
        with h5py.File(path, "a") as file:
            change(file)
        return path

    return changed


def _put(place: str, values: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[place]
        file[place] = values

    return change


def _outside(file: h5py.File) -> None:
    file["matrix/indices"][3] = 9


def _external(place: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[place] = h5py.ExternalLink("/etc/passwd", "/")

    return change


def _empty_matrix(file: h5py.File) -> None:
    del file["matrix"]
    file.create_dataset("matrix", shape=(10**6, 10**6), chunks=(1000, 1000), dtype="f4", compression="gzip")


def _matrix(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = write_matrix_folder(folder / "toy", version=2)
        (path / name).write_bytes(content)
        return path

    return write


def _without_barcodes(folder: Path) -> Path:
    path = write_matrix_folder(folder / "toy")
    (path / "barcodes.tsv.gz").unlink()
    return path


def _linked_names(folder: Path) -> Path:
    path = write_matrix_folder(folder / "toy", version=2)
    (path / "genes.tsv").unlink()
    (path / "genes.tsv").symlink_to("/etc/passwd")
    return path


def _bomb(folder: Path) -> Path:
    path = write_gzipped(folder / "toy.h5ad.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(2**22)))
    return path


def _cut(folder: Path) -> Path:
    path = write_gzipped(folder / "toy.h5ad.gz")
    path.write_bytes(path.read_bytes()[:-50])
    return path


HEAD = b"%%MatrixMarket matrix coordinate integer general\n"
WHOLE = matrix_text().encode()
CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "zarr: a codec that runs code": (_zarr(_pickled), "is coded with 'pickle', which is not read"),
    "zarr: the same in a shard": (_zarr(_pickled_v3, version=3), "is coded with 'numcodecs.pickle'"),
    "zarr: a link": (_zarr(_leading_out), "secret is a symbolic link; it could lead out"),
    "zarr: an endless array": (_zarr(_boundless), "X/data claims 4,000,000,000,000 bytes of values"),
    "zarr: endless chunks": (_zarr(_with_large_chunks), "X/data has chunks of more than"),
    "zarr: no JSON": (_zarr(_no_json), r"var/_index/(values/)?\.zarray is not JSON"),
    "10x: a feature that is not there": (
        _hdf5(write_tenx_v3, "a.h5", _outside),
        "names feature 9, but there are 9",
    ),
    "10x: bounds": (_hdf5(write_tenx_v3, "a.h5", _put("matrix/indptr", np.arange(13))), "does not divide"),
    "10x: no numbers": (
        _hdf5(write_tenx_v3, "a.h5", _put("matrix/data", ["x"])),
        "has type string. Store numbers",
    ),
    "10x: no names": (
        _hdf5(write_tenx_v3, "a.h5", _put("matrix/features/name", 1)),
        "matrix/features has no list 'name'",
    ),
    "10x: a link to another file": (_hdf5(write_tenx_v3, "a.h5", _external("x")), "external link to"),
    "h5mu: a link to another file": (
        _hdf5(write_h5mu, "a.h5mu", _external("mod/rna/uns/x")),
        "external link to",
    ),
    "h5mu: no group": (_hdf5(write_h5mu, "a.h5mu", _put("mod/rna", 1)), "mod/rna is no group"),
    "loom: an endless matrix": (
        _hdf5(write_loom, "a.loom", _empty_matrix),
        "claims 4,000,000,000,000 bytes|chunk",
    ),
    "loom: no names": (
        _hdf5(write_loom, "a.loom", lambda file: file.pop("col_attrs/CellID")),
        "has none of CellID",
    ),
    "matrix: no barcodes": (_without_barcodes, "is a matrix without its barcodes: none of barcodes.tsv.gz"),
    "matrix: a link": (_linked_names, "genes.tsv is a link to /etc/passwd, outside its folder"),
    "matrix: other names": (_matrix("barcodes.tsv", lines(BARCODES[:5])), "has 9 rows and 12 columns, but"),
    "matrix: dense": (
        _matrix("matrix.mtx", b"%%MatrixMarket matrix array real general\n9 12\n"),
        "A 10x matrix begins",
    ),
    "matrix: no sizes": (_matrix("matrix.mtx", HEAD + b"nine\n"), "has no line of rows, columns and entries"),
    "matrix: cut": (
        _matrix("matrix.mtx", WHOLE[:-12]),
        "a line that is no entry of row, column and whole number",
    ),
    "matrix: lines are missing": (
        _matrix("matrix.mtx", WHOLE[: WHOLE[:-1].rfind(b"\n") + 1]),
        "announces .* entries, but holds",
    ),
    "matrix: more": (_matrix("matrix.mtx", WHOLE + b"1 1 1\n"), "entries, but holds more"),
    "matrix: outside": (
        _matrix("matrix.mtx", HEAD + b"9 12 1\n10 1 5\n"),
        "an entry of feature 10, but there are 9",
    ),
    "matrix: row 0": (_matrix("matrix.mtx", HEAD + b"9 12 1\n0 1 5\n"), "an entry of feature 0, but"),
    "matrix: no number": (_matrix("matrix.mtx", HEAD + b"9 12 1\n1 1 x\n"), "number: 'x' cannot be read"),
    "matrix: half a line": (_matrix("matrix.mtx", HEAD + b"9 12 1\n1 1\n"), "row, column and"),
    "matrix: a large count": (_matrix("matrix.mtx", HEAD + b"9 12 1\n1 1 3000000000\n"), "a count beyond"),
    "matrix: not UTF-8": (_matrix("genes.tsv", b"\xff\xfe\n" * 9), "is no table of text"),
    "gzip: a bomb": (_bomb, "inflates to over .* bytes"),
    "gzip: cut": (_cut, "is compressed with gzip, and damaged or incomplete"),
}


@pytest.mark.parametrize(("make", "message"), CASES.values(), ids=CASES.keys())
def test_it_is_refused_in_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], message: str
) -> None:
    monkeypatch.setattr(gzipped, "MAX_UNPROVEN_BYTES", 2**20)
    layout = make_lake(tmp_path)
    source = make(tmp_path)
    with pytest.raises(SourceError, match=message):
        add_path(layout, source, Wish())
    assert list(layout.inbox.iterdir()) == []
    assert list(layout.staging.glob("*~*")) == []


@pytest.mark.parametrize("order", ["barcode", "feature", "none"])
@pytest.mark.parametrize("field", ["integer", "real"])
@pytest.mark.parametrize("prefix", ["", "GSM123_sample_"])
def test_matrices_in_any_order_of_their_entries_are_read(
    tmp_path: Path, order: str, field: str, prefix: str
) -> None:
    from c2s_assets_tests.storage.sources.formats.building import COUNTS
    from c2s_assets_tests.storage.sources.formats.test_convert import read_counts

    folder = write_matrix_folder(tmp_path / "toy", prefix=prefix, order=order, field=field)
    added = add_path(make_lake(tmp_path), folder, Wish())
    assert added.dataset_id == (prefix.strip("_") or "toy")
    assert np.array_equal(read_counts(added.path), COUNTS)


def test_entries_in_no_order_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mtx, "MAX_UNSORTED", 10)
    folder = write_matrix_folder(tmp_path / "toy", order="none")
    with pytest.raises(SourceError, match="entries in no order; at most 10 are sorted"):
        add_path(make_lake(tmp_path), folder, Wish())


def test_pieces_of_a_large_text_make_one_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from c2s_assets_tests.storage.sources.formats.building import COUNTS
    from c2s_assets_tests.storage.sources.formats.test_convert import read_counts

    monkeypatch.setattr(mtx, "_PIECE_BYTES", 40)
    folder = write_matrix_folder(tmp_path / "toy", version=2)
    text = matrix_text(is_by_cell=True).replace(" 1\n", "\t1 \r\n")
    (folder / "matrix.mtx").write_text(text)
    (folder / "barcodes.tsv").write_bytes(b"x\n" + lines(BARCODES))
    assert np.array_equal(read_counts(add_path(make_lake(tmp_path), folder, Wish()).path), COUNTS)
