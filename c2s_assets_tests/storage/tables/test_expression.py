from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix

import c2s_assets
from c2s_assets import read_expression
from c2s_assets.core.errors import InvalidDatasetIdError, MissingInputError, UnknownNameError
from c2s_assets.core.expression.tables import expression_table
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.tables import Expression
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables import expression
from c2s_assets.storage.tables.parquet import write_blocks
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.feature_files import write_citeseq
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

INGEST = ("raw_h5ad", "dataset_profile", "cell_metadata", "feature_metadata")
SYMBOLS = [*(f"GENE{number}" for number in range(1, 39)), "GENE1", None]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A lake with one dataset, whose expression is in parts of 16 cells."""
    layout = make_lake(tmp_path_factory.mktemp("lake"))
    is_known = pd.array([True, None] * 20, dtype="boolean")
    drop_toy_h5ad(layout, "toy", var={"feature_name": SYMBOLS, "is_known": is_known})
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "toy", *INGEST, "expression").success
    adata = source(layout)
    dataset = Dataset(layout, "toy", DatasetsFile())
    says = {"source_sha256": dataset.source.sha256, "layer": "raw.X"}
    table = expression_table(adata.raw.X, pl.Series("cell_id", adata.obs_names.to_list()))
    with dataset.stage("expression") as staged:
        write_blocks(staged.path(), [table], model=Expression, footer=says, rows_per_group=16)
        staged.commit([])
    assert len(list(layout.parts("expression", "toy").iterdir())) == 4
    return layout


def source(layout: Layout) -> ad.AnnData:
    return ad.read_h5ad(layout.raw_h5ad("toy"))


def test_all_cells_and_genes_are_those_of_the_source(layout: Layout) -> None:
    found = read_expression("toy", lake=layout.root)
    adata = source(layout)

    assert isinstance(found.X, csr_matrix)
    assert found.X.dtype == np.float32
    assert (found.X != adata.raw.X).nnz == 0
    assert found.obs_names.to_list() == adata.obs_names.to_list()
    assert found.var_names.to_list() == adata.raw.var_names.to_list()
    assert found.obs["cell_type"].to_list() == adata.obs["cell_type"].to_list()
    assert "cell_id" not in found.obs
    assert found.var["symbol"].iloc[0] == "GENE1"
    assert found.uns == {"dataset_id": "toy", "layer": "raw.X"}


def test_cells_come_in_the_order_they_are_wanted(layout: Layout) -> None:
    wanted = ["cell_0059", "cell_0003", "cell_0017", "cell_0002", "cell_0003"]
    found = read_expression("toy", lake=layout.root, cells=wanted)

    assert found.obs_names.to_list() == wanted[:4]
    np.testing.assert_array_equal(found.X.toarray(), source(layout).raw.X[[59, 3, 17, 2]].toarray())


def test_cells_are_chosen_by_what_is_known_of_them(layout: Layout) -> None:
    condition = (pl.col("cell_type") == "B cell") & (pl.col("age") > 40)
    found = read_expression("toy", lake=layout.root, cells=condition)

    is_chosen = (source(layout).obs["cell_type"] == "B cell") & (np.arange(60) % 4 >= 2)
    assert found.obs_names.to_list() == source(layout).obs_names[is_chosen].to_list()
    np.testing.assert_array_equal(found.X.toarray(), source(layout).raw.X[is_chosen.to_numpy()].toarray())


def test_genes_are_found_by_symbol_and_by_id_and_a_shared_symbol_means_all(layout: Layout) -> None:
    genes = ["ENSG00000000005", "GENE1", "GENE5", "ENSG00000000040"]
    found = read_expression("toy", lake=layout.root, genes=genes)

    assert found.var_names.to_list() == [f"ENSG{number:011d}" for number in (5, 1, 39, 40)]
    np.testing.assert_array_equal(found.X.toarray(), source(layout).raw.X[:, [4, 0, 38, 39]].toarray())
    assert found.X.has_sorted_indices


def test_nothing_wanted_is_nothing_found(layout: Layout) -> None:
    assert read_expression("toy", lake=layout.root, cells=[]).shape == (0, 40)
    assert read_expression("toy", lake=layout.root, cells=pl.col("age") > 99).shape == (0, 40)
    assert read_expression("toy", lake=layout.root, genes=[]).shape == (60, 0)


def test_the_answer_can_be_written_and_read_by_anndata(layout: Layout, tmp_path: Path) -> None:
    """AnnData writes no column of None alone, and none of None and bool, unless pandas calls it so."""
    found = read_expression("toy", lake=layout.root, cells=pl.col("age") < 30, genes=["GENE2", "GENE3"])
    found.write_h5ad(tmp_path / "some.h5ad")
    written = ad.read_h5ad(tmp_path / "some.h5ad")
    assert written.obs_names.to_list() == found.obs_names.to_list()
    assert written.var["approved_symbol"].isna().to_list() == [True, True], "gene_symbols was never fetched"
    assert written.var["is_known"].to_list() == [pd.NA, True]


def test_only_parts_with_a_wanted_cell_are_opened(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    plain = expression.expression_rows
    monkeypatch.setattr(
        expression,
        "expression_rows",
        lambda rows, *, n_vars: read.append(len(rows)) or plain(rows, n_vars=n_vars),
    )
    read_expression("toy", lake=layout.root, cells=["cell_0020", "cell_0059"])
    assert read == [16, 12]


def test_what_is_not_there_is_named(layout: Layout) -> None:
    with pytest.raises(UnknownNameError, match="2 cells are not in cell_metadata: 'nobody', 'none'"):
        read_expression("toy", lake=layout.root, cells=["cell_0001", "nobody", "none"])
    with pytest.raises(UnknownNameError, match=r"6 genes are not in .*: 'A', 'B', 'C', 'D', 'E' and 1 more"):
        read_expression("toy", lake=layout.root, genes=["GENE1", *"ABCDEF"])
    with pytest.raises(UnknownNameError, match=r"Give a list: genes=\['GENE1'\]"):
        read_expression("toy", lake=layout.root, genes="GENE1")
    with pytest.raises(MissingInputError, match="it was not built yet"):
        read_expression("other", lake=layout.root)
    with pytest.raises(InvalidDatasetIdError):
        read_expression("../toy", lake=layout.root)


def test_the_lake_is_that_of_the_environment(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2S_LAKE", str(layout.root))
    assert read_expression("toy", cells=["cell_0001"]).shape == (1, 40)
    monkeypatch.delenv("C2S_LAKE")
    monkeypatch.chdir(layout.root.parent)
    assert layout.root.name == "lake"
    assert read_expression("toy", cells=["cell_0001"]).shape == (1, 40)


def test_the_package_offers_nothing_else() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'read_everything'"):
        c2s_assets.read_everything  # noqa: B018


def test_a_name_that_is_a_symbol_and_an_id_stands_for_the_genes(tmp_path: Path) -> None:
    """An antibody is often called like the gene of what it binds, which then is named CD19-1."""
    layout = make_lake(tmp_path)
    write_citeseq(layout.inbox_h5ad("cite"))
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "cite", *INGEST, "expression").success
    found = read_expression("cite", lake=layout.root, genes=["CD19", "CD3_TotalSeqB"])
    assert found.var["var_name"].to_list() == ["CD19-1", "CD3_TotalSeqB"]
    assert found.var["feature_kind"].to_list() == ["gene", "protein"]
