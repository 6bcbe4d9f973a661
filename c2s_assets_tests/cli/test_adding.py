"""`c2s add` of several files at once."""

import gzip
import shutil
from pathlib import Path

import pytest

from c2s_assets.storage.sources.formats.folders import datasets_at
from c2s_assets_tests.cli.commanding import Said, c2s
from c2s_assets_tests.toy import write_toy_h5ad


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files that can be added, one that is none, and something else."""
    folder = tmp_path_factory.mktemp("files")
    write_toy_h5ad(folder / "blood.h5ad", seed=1)
    write_toy_h5ad(folder / "lung.h5ad", seed=2)
    (folder / "broken.h5ad").write_bytes(b"no HDF5")
    (folder / "notes.txt").write_text("of Tuesday")
    return folder


@pytest.fixture(scope="module")
def added(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    lake = tmp_path_factory.mktemp("lake")
    return lake, c2s("add", folder, folder / "nowhere.h5ad", lake=lake)


def test_those_that_are_refused_stop_no_other(added: tuple[Path, Said]) -> None:
    lake, said = added
    assert sorted(path.name for path in (lake / "inbox").glob("*.h5ad")) == ["blood.h5ad", "lung.h5ad"]
    assert said.out.splitlines()[-1] == (
        "Build with: c2s build --outdated   (an open `c2s ui` does so by itself)"
    )
    assert c2s("ls", lake=lake).out.count("0/12 built") == 2


def test_what_waits_in_the_inbox_is_built_with_what_is_outdated(added: tuple[Path, Said]) -> None:
    lake, _ = added
    built = c2s("build", "--outdated", "--only", "raw_h5ad", lake=lake)
    assert built.status == 0, built.err
    assert sorted(path.name for path in (lake / "raw").glob("*.h5ad")) == ["blood.h5ad", "lung.h5ad"]


def test_each_that_is_refused_is_listed_and_the_command_fails(folder: Path, added: tuple[Path, Said]) -> None:
    _, said = added
    assert said.status == 1
    first, second, third, last = said.err.splitlines()
    assert first == f"c2s: {folder}: left alone are notes.txt"
    assert second.startswith(f"c2s: {folder / 'broken.h5ad'}: broken.h5ad (7 bytes) is ")
    assert third.startswith(f"c2s: {folder / 'nowhere.h5ad'}: ")
    assert last == f"c2s: 2 of 4 were refused: {folder / 'broken.h5ad'}, {folder / 'nowhere.h5ad'}"


def test_what_is_said_of_one_dataset_is_refused_of_several(folder: Path, tmp_path: Path) -> None:
    said = c2s("add", folder, "--id", "mine", lake=tmp_path)
    assert (said.status, said.out) == (1, "")
    assert "--id names one dataset, and these are 3." in said.err


def test_of_two_files_of_one_name_none_replaces_the_other(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "lung.h5ad", tmp_path / "blood.h5ad")
    said = c2s("add", "--replace", folder / "blood.h5ad", tmp_path / "blood.h5ad", lake=tmp_path / "lake")
    assert (said.status, said.out) == (1, "")
    assert "two of these are called blood.h5ad" in said.err


def test_a_folder_that_is_a_dataset_is_one(tmp_path: Path) -> None:
    store, matrix = tmp_path / "atlas.zarr", tmp_path / "run1"
    store.mkdir()
    (store / ".zgroup").write_text("{}")
    _write_matrix(matrix)

    assert datasets_at(store).datasets == (store,)
    assert datasets_at(matrix).datasets == (matrix,)
    assert datasets_at(tmp_path).datasets == (store, matrix)


def test_each_matrix_of_a_folder_is_a_dataset_without_the_files_beside_it(tmp_path: Path) -> None:
    _write_matrix(tmp_path, "GSM1_")
    _write_matrix(tmp_path, "GSM2_")
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "empty").mkdir()

    found = datasets_at(tmp_path)
    assert [path.name for path in found.datasets] == ["GSM1_matrix.mtx.gz", "GSM2_matrix.mtx.gz"]
    assert found.others == ("empty",)


def test_a_folder_without_any_is_refused_for_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "atlas.rds").touch()
    said = c2s("add", tmp_path, lake=tmp_path / "lake")
    assert said.status == 1
    assert "It holds atlas.rds" in said.err


def _write_matrix(folder: Path, prefix: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for name in ("matrix.mtx.gz", "features.tsv.gz", "barcodes.tsv.gz"):
        (folder / f"{prefix}{name}").write_bytes(gzip.compress(b"text"))
