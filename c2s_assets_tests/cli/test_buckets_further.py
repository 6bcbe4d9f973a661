"""A lake in a bucket, by commands about tissues, exports and CELLxGENE Discover, on machines of their own."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets_tests.buckets import S3, serve_s3
from c2s_assets_tests.cli.commanding import Machine
from c2s_assets_tests.discover import serve_discover
from c2s_assets_tests.tissue import N_CELLS, TABLES, tissue_files
from c2s_assets_tests.toy import write_toy_h5ad

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with serve_s3() as served:
        served.make_bucket()
        yield served


@pytest.fixture(scope="module")
def builder(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The machine that built a tissue of which all files were put into the bucket with other tools."""
    for name, content in tissue_files(tmp_path_factory.mktemp("source") / "toy.h5ad").items():
        s3.put(s3.address, f"lake/{name}", content)
    machine = Machine(tmp_path_factory.mktemp("builder"), f"{s3.address}/lake")
    built = machine.c2s("build", "toy", "--only", ",".join([*TABLES, "cell_sentences"]))
    assert built.status == 0, built.out + built.err
    return machine


@pytest.fixture
def reader(builder: Machine, tmp_path: Path) -> Machine:
    """A machine that has nothing yet."""
    return Machine(tmp_path / "reader", builder.address)


def test_a_tissue_is_exported_on_another_machine(reader: Machine, tmp_path: Path) -> None:
    told = reader.c2s("export", "cellnet", "toy", "--to", tmp_path / "cells.h5")
    assert (told.status, told.err) == (0, "")
    with h5py.File(tmp_path / "cells.h5") as file:
        assert len(file) == N_CELLS + 1  # and what is the same for all


@pytest.mark.parametrize("what", ["annbatch", "cell2sentence"])
def test_an_export_is_the_same_on_all_machines(
    builder: Machine, reader: Machine, tmp_path: Path, what: str
) -> None:
    for name, machine in (("ours", builder), ("theirs", reader)):
        (tmp_path / name).mkdir()
        told = machine.c2s("export", what, "--to", tmp_path / name / what)
        assert (told.status, told.err) == (0, "")
    assert tree_digest(tmp_path / "ours" / what) == tree_digest(tmp_path / "theirs" / what)


def test_an_image_that_is_not_in_the_bucket_is_missed_by_its_address(s3: S3, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "cache", f"{s3.address}/without")
    for name, content in tissue_files(tmp_path / "toy.h5ad").items():
        if name != "slide.png":
            s3.put(s3.address, f"without/{name}", content)
    told = machine.c2s("build", "toy", "--only", "slide_images")
    assert told.status == 1
    assert f"there is no image {machine.address}/slide.png. Put it there, as one file" in told.out


def test_a_selected_dataset_is_listed_built_and_removed_by_machines_in_turn(s3: S3, tmp_path: Path) -> None:
    first, second = (Machine(tmp_path / name, f"{s3.address}/selected") for name in ("first", "second"))
    s3.put(s3.address, "selected/datasets.yaml", b"cellxgene:\n  tissue: [lung]\n")
    with serve_discover() as discover:
        ids = discover.generate(3, write_toy_h5ad(tmp_path / "toy.h5ad"))
        listed = first.c2s("select", "--refresh", cellxgene=discover.url)
        assert (listed.status, listed.err) == (0, "")
        assert "to fetch" in listed.out
        assert second.c2s("select").out == listed.out
        chosen = next(name for name in ids if name in listed.out)
        built = second.c2s("build", chosen, "--only", "cell_metadata", cellxgene=discover.url)
        assert built.status == 0, built.out
        removed = first.c2s("rm", chosen, "--yes")
        assert (removed.status, removed.err) == (0, "")
    assert f"{first.address}/datasets.yaml excludes it now" in removed.out
    assert chosen.encode() in s3.objects(s3.address)["selected/datasets.yaml"]
    assert chosen not in second.c2s("ls").out
    assert chosen not in second.c2s("select").out


def test_the_demo_is_built_in_a_bucket(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2s_assets.simulate.simulate_h5ad", write_toy_h5ad)
    few = upstream(["cell_metadata"])
    monkeypatch.setattr("c2s_assets.schemas.registry.tables_of_any_dataset", lambda: few)
    machine = Machine(tmp_path / "cache", f"{s3.address}/demo")
    told = machine.c2s("demo")
    assert told.status == 0, told.out + told.err
    assert f"example: built, in {machine.address}/datasets/example" in told.out
    assert (
        "60" in Machine(tmp_path / "other", machine.address).c2s("query", "select n_cells from datasets").out
    )
