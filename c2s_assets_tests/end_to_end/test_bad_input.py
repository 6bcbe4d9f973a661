"""Bad files: each ends in one clear message, and nothing is half-written."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.storage.lake.record import read_record
from c2s_assets_tests.defs.building import broken, debris, failures, files_below, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake, write_toy_h5ad


def _not_hdf5(path: Path) -> None:
    path.write_text("<html>404 not found</html>")


def _truncated(path: Path) -> None:
    content = write_toy_h5ad(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _without(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(write_toy_h5ad(path), "r+") as file:
            for name in names:
                del file[name]

    return write


def _no_cells(path: Path) -> None:
    write_toy_h5ad(path, n_obs=1)
    import anndata as ad

    ad.read_h5ad(path)[:0].copy().write_h5ad(path)


def _external_link(path: Path) -> None:
    with h5py.File(write_toy_h5ad(path), "r+") as file:
        file["uns/elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")


def _index_out_of_range(path: Path) -> None:
    with h5py.File(write_toy_h5ad(path, compression=None), "r+") as file:
        file["raw/X/indices"][5] = 40


def _not_a_number(path: Path) -> None:
    with h5py.File(write_toy_h5ad(path, compression=None), "r+") as file:
        file["raw/X/data"][5] = np.nan


def _short_chunk(path: Path) -> None:
    with h5py.File(write_toy_h5ad(path), "r+") as file:
        short = file["obs"].create_dataset("short", (file["X"].attrs["shape"][0],), "S8", fletcher32=True)
        short.id.write_direct_chunk((0,), b"x")


@pytest.mark.parametrize(
    ("write", "asset", "message"),
    [
        (_not_hdf5, "raw_h5ad", "is a web page (HTML)"),
        (_truncated, "raw_h5ad", "not a complete HDF5 file"),
        (_without("X", "raw", "layers"), "raw_h5ad", "the file has no X, no raw.X and no layer"),
        (_without("obs"), "raw_h5ad", "the file has no obs"),
        (_without("var"), "raw_h5ad", "the file has no var"),
        (_no_cells, "raw_h5ad", "the file has no cells"),
        (_external_link, "raw_h5ad", "/etc/passwd"),
        (_short_chunk, "raw_h5ad", "obs/short: the chunk at byte"),
        (_index_out_of_range, "dataset_profile", "40"),
        (_not_a_number, "dataset_profile", "nan"),
    ],
    ids=[
        "not HDF5",
        "truncated",
        "no X",
        "no obs",
        "no var",
        "zero cells",
        "a link to another file",
        "a chunk that would crash HDF5",
        "an index out of range",
        "NaN in the matrix",
    ],
)
def test_a_bad_file_is_refused_and_nothing_is_written(
    tmp_path: Path, write: Callable[[Path], None], asset: str, message: str
) -> None:
    layout = make_lake(tmp_path)
    write(layout.inbox_h5ad("bad"))
    with open_workshop(layout) as workshop:
        report = workshop.build("bad")

    assert not report.succeeded
    assert message in failures(report)[asset]
    assert failures(report)[asset].startswith("dataset bad: ")
    if asset == "raw_h5ad":
        assert "raw_h5ad/keeps_schema" in broken(report)
        assert layout.inbox_h5ad("bad").exists()
        assert files_below(layout.dataset("bad")).keys() == {"record.json"}
        assert message in read_record(layout, "bad").refused["raw_h5ad"].message
    assert not layout.parts("cell_sentences", "bad").exists()
    assert debris(layout) == []


def test_a_bad_new_version_leaves_everything_of_the_old_one(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        assert workshop.build("toy").succeeded
        before, built = files_below(layout.root), read_record(layout, "toy").built
        _truncated(layout.inbox_h5ad("toy"))
        assert not workshop.build("toy").succeeded

    after = files_below(layout.root)
    assert after.pop("inbox/toy.h5ad")
    assert after.pop("datasets/toy/record.json") != before.pop("datasets/toy/record.json")
    assert after == before
    assert read_record(layout, "toy").built == built


@pytest.mark.parametrize(
    ("entry", "asset", "message"),
    [
        ("donor_column: DonorID", "cell_metadata", "obs has no column 'DonorID'"),
        ("age_column: Age", "cell_metadata", "obs has no column 'Age'"),
        ("age_group_column: Group", "cell_metadata", "obs has no column 'Group'"),
        ("symbol_column: gene", "feature_metadata", "var has no column 'gene'"),
        ("layer: spliced", "dataset_profile", "the file has no matrix 'spliced'"),
        ("donor: DonorID", "raw_h5ad", "donor is not a key"),
    ],
    ids=["donor", "age", "age group", "symbol", "layer", "unknown key"],
)
def test_a_mapping_that_does_not_fit_says_what_there_is(
    tmp_path: Path, entry: str, asset: str, message: str
) -> None:
    layout = make_lake(tmp_path, "toy")
    layout.settings.write_text(f"datasets:\n  toy:\n    {entry}\n")
    with open_workshop(layout) as workshop:
        report = workshop.build("toy", asset)

    assert message in failures(report)[asset]


def test_a_partition_called_like_a_path_reads_and_writes_nothing(tmp_path: Path) -> None:
    """Dagster accepts any text as a partition key."""
    layout = make_lake(tmp_path)
    write_toy_h5ad(tmp_path / "x.h5ad")
    before = files_below(tmp_path)
    with open_workshop(layout) as workshop:
        for key in ("../../x", "/etc/passwd", "a/b", "..", "x" * 500):
            report = workshop.build(key)
            assert "cannot be a dataset id" in failures(report)["raw_h5ad"]

    assert files_below(tmp_path) == before


def test_negatives_that_the_sample_missed_still_stop_the_sentences(tmp_path: Path) -> None:
    """The verdict looks at head, middle and tail; the kernel at every value."""
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", n_obs=4000, n_vars=20, compression=None)
    with h5py.File(layout.inbox_h5ad("toy"), "r+") as file:
        first = file["raw/X/indptr"][1000]
        file["raw/X/data"][first] = -1.5
    with open_workshop(layout) as workshop:
        report = workshop.build("toy", "cell_sentences")

    assert "cell 'cell_1000' has expression -1.5" in failures(report)["cell_sentences"]
    assert not layout.parts("cell_sentences", "toy").exists()
