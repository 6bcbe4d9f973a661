"""Whatever format a dataset comes in, the h5ad that is made of it holds the same."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest

from c2s_assets.core.errors import C2SError, TakenIdError
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.adding import Wish, add_path
from c2s_assets.storage.sources.raw import adopt_from_inbox
from c2s_assets_tests.storage.sources.apart import nothing_apart
from c2s_assets_tests.storage.sources.formats.building import (
    BARCODES,
    COUNTS,
    FEATURE_TYPES,
    FORMATS,
    GENE_IDS,
    SYMBOLS,
    write_h5ad,
    write_h5mu,
    write_tenx_v2,
)
from c2s_assets_tests.toy import make_lake

__all__ = ["nothing_apart"]
COLUMNS = {"gene_ids": GENE_IDS, "feature_types": FEATURE_TYPES}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return make_lake(tmp_path)


def read_counts(path: Path) -> np.ndarray:
    with open_h5ad(path) as h5ad:
        blocks = [block.toarray() for _, block in h5ad.matrix("X").blocks(rows=5)]
    return np.concatenate(blocks)


@pytest.mark.usefixtures("nothing_apart")
@pytest.mark.parametrize(("name", "write", "has"), FORMATS.values(), ids=FORMATS.keys())
def test_every_format_becomes_the_same_h5ad(
    layout: Layout, tmp_path: Path, name: str, write: Callable[[Path], Path], has: set[str]
) -> None:
    source = write(tmp_path / name)
    added = add_path(layout, source, Wish())
    assert (added.dataset_id, added.is_converted) == ("toy", True)
    with open_h5ad(added.path) as h5ad:
        assert h5ad.obs.index().to_list() == BARCODES
        assert h5ad.var.index().to_list() == SYMBOLS
        for column in has & COLUMNS.keys():
            assert h5ad.var.read(column).to_list() == COLUMNS[column]
        assert set(h5ad.obs.names) == has & {"donor_id"}
    assert np.array_equal(read_counts(added.path), COUNTS)


@pytest.mark.usefixtures("nothing_apart")
@pytest.mark.parametrize("kind", FORMATS)
def test_the_origin_is_recorded_and_the_same_again_is_known(
    layout: Layout, tmp_path: Path, kind: str
) -> None:
    name, write, _ = FORMATS[kind]
    source = write(tmp_path / name)
    first = add_path(layout, source, Wish())
    content = first.path.read_bytes()
    assert not add_path(layout, source, Wish()).is_new
    assert add_path(layout, source, Wish(replace=True)).is_new
    assert first.path.read_bytes() == content
    origin = adopt_from_inbox(layout, dataset_id="toy").converted_from
    assert origin is not None
    assert (origin.name, origin.format) == (name, str(first.format))
    assert origin.size_bytes > 0
    assert not add_path(layout, source, Wish()).is_new
    with pytest.raises(TakenIdError, match=rf"is its source .*, from {name}\)"):
        add_path(layout, write_h5ad(tmp_path / "toy.h5ad"), Wish())
    assert list(layout.staging.glob("toy~*")) == []


@pytest.mark.usefixtures("nothing_apart")
def test_a_modality_is_asked_for_where_there_is_no_usual_one(layout: Layout, tmp_path: Path) -> None:
    source = write_h5mu(tmp_path / "toy.h5mu", "atac", "prot")
    with pytest.raises(C2SError, match=r"more than one modality: there are atac, prot.*--modality atac"):
        add_path(layout, source, Wish())
    with pytest.raises(C2SError, match=r"no modality 'rna': there are"):
        add_path(layout, source, Wish(part="rna"))
    added = add_path(layout, source, Wish(part="prot"))
    with open_h5ad(added.path) as h5ad:
        assert h5ad.obs.index().to_list() == BARCODES[::2]
        assert h5ad.obs.read("donor_id").to_list() == ["donor_0", "donor_2", "donor_1"] * 2
    with pytest.raises(TakenIdError):
        add_path(layout, source, Wish(part="atac"))
    assert not add_path(layout, source, Wish(part="prot")).is_new


@pytest.mark.usefixtures("nothing_apart")
def test_rna_is_taken_of_several_modalities(layout: Layout, tmp_path: Path) -> None:
    added = add_path(layout, write_h5mu(tmp_path / "toy.h5mu", "prot", "rna"), Wish())
    assert np.array_equal(read_counts(added.path), COUNTS)
    origin = adopt_from_inbox(layout, dataset_id="toy").converted_from
    assert origin is not None
    assert origin.part == "rna"


@pytest.mark.usefixtures("nothing_apart")
def test_a_genome_is_asked_for_where_there_are_two(layout: Layout, tmp_path: Path) -> None:
    source = write_tenx_v2(tmp_path / "toy.h5", "hg19", "mm10")
    with pytest.raises(C2SError, match=r"more than one genome: there are hg19, mm10"):
        add_path(layout, source, Wish())
    assert np.array_equal(read_counts(add_path(layout, source, Wish(part="mm10")).path), COUNTS)


@pytest.mark.usefixtures("nothing_apart")
def test_what_is_of_no_use_for_a_format_is_told(layout: Layout, tmp_path: Path) -> None:
    name, write, _ = FORMATS["loom"]
    source = write(tmp_path / name)
    with pytest.raises(C2SError, match="Leave --modality out"):
        add_path(layout, source, Wish(part="rna"))
    with pytest.raises(C2SError, match="Leave --link out"):
        add_path(layout, source, Wish(link=True))


@pytest.mark.usefixtures("nothing_apart")
def test_columns_of_a_loom_file_and_its_layers_are_kept(layout: Layout, tmp_path: Path) -> None:
    name, write, _ = FORMATS["loom"]
    with h5py.File(write(tmp_path / name), "a") as file:
        file["col_attrs/age"] = np.arange(12)
        file["col_attrs/X_umap"] = np.ones((12, 2), np.float32)
        file["layers/spliced"] = (COUNTS.T * 2).astype(np.uint32)
    added = add_path(layout, tmp_path / name, Wish())
    with open_h5ad(added.path) as h5ad:
        assert h5ad.obs.read("age").to_list() == list(range(12))
        assert h5ad.embeddings() == {"X_umap": (12, 2)}
        blocks = [block.toarray() for _, block in h5ad.matrix("layers/spliced").blocks(rows=100)]
        assert np.array_equal(blocks[0], COUNTS * 2)
        assert h5ad.var.read("gene_ids").dtype == pl.String


def test_all_of_it_works_in_processes_of_their_own(layout: Layout, tmp_path: Path) -> None:
    added = add_path(layout, write_h5mu(tmp_path / "toy.h5mu", "prot", "rna"), Wish())
    assert np.array_equal(read_counts(added.path), COUNTS)
    with pytest.raises(C2SError, match="no modality"):
        add_path(layout, tmp_path / "toy.h5mu", Wish(part="atac"))
