"""The benchmarks measure what they claim to: an h5ad, and ways that write the same sentences."""

import anndata as ad
import h5py
import numpy as np
import polars as pl
import pytest
from scipy.sparse import vstack

from benchmarks import atlas, floor, ours, references
from c2s_assets.core.genes.symbols import is_ensembl_id
from c2s_assets.defs.resources import Store
from c2s_assets.storage.h5ad.source import open_h5ad

N_OBS, N_VARS = 300, 3_000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return atlas.write_atlas(tmp_path_factory.mktemp("atlas") / "atlas.h5ad", n_obs=N_OBS, n_vars=N_VARS)


@pytest.fixture(scope="module")
def adata(path):
    return ad.read_h5ad(path)


def read_sentences(folder):
    return pl.read_parquet(folder / "*.parquet").select(
        "cell_id", words=pl.col("cell_sentence").str.split(" ")
    )


def test_anndata_and_our_reader_find_the_same(path, adata):
    with open_h5ad(path) as h5ad:
        blocks = [block for _, block in h5ad.matrix("X").blocks(rows=128)]
        assert h5ad.obs.index().to_list() == adata.obs_names.to_list()
        assert h5ad.var.index().to_list() == adata.var_names.to_list()
        for frame, columns in ((h5ad.obs, adata.obs), (h5ad.var, adata.var)):
            assert frame.names == list(columns)
            for name in frame.names:
                assert frame.read(name).to_list() == columns[name].tolist()
    expression = vstack(blocks).tocsr()
    assert expression.shape == (N_OBS, N_VARS)
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(expression, part), getattr(adata.X, part))


def test_an_atlas_is_stored_as_anndata_stores_it(path, adata, tmp_path):
    adata.write_h5ad(tmp_path / "by_anndata.h5ad", compression="gzip")
    with h5py.File(path) as ours_, h5py.File(tmp_path / "by_anndata.h5ad") as theirs:
        assert dict(ours_["X"].attrs).keys() == dict(theirs["X"].attrs).keys()
        assert dict(ours_["obs"].attrs).keys() == dict(theirs["obs"].attrs).keys()
        # obs/_index is a group of values and mask with pandas 3, and a plain array before.
        for name in ("X/data", "X/indices", "X/indptr", "obs/cell_type/codes"):
            mine, other = ours_[name], theirs[name]
            assert (mine.dtype, mine.shape, mine.maxshape) == (other.dtype, other.shape, other.maxshape)
            assert (mine.compression, mine.compression_opts) == (other.compression, other.compression_opts)
            assert mine.chunks[0] == pytest.approx(other.chunks[0], rel=0.1)


def test_cells_are_as_full_as_those_of_an_atlas(adata):
    n_expressed = np.diff(adata.X.indptr)
    assert n_expressed.mean() / N_VARS == pytest.approx(1_430 / 29_400, rel=0.1)
    assert (adata.X.data == np.round(adata.X.data)).all()
    assert (adata.X.data == 1).mean() > 0.5
    np.testing.assert_array_equal(adata.obs["n_genes"], n_expressed)
    np.testing.assert_array_equal(adata.obs["n_counts"], np.asarray(adata.X.sum(axis=1)).ravel())


def test_names_are_unique_and_ids_are_those_of_ensembl(adata):
    assert adata.obs_names.is_unique
    assert adata.var_names.is_unique
    assert adata.var["feature_name"].is_unique
    assert pl.select(is_ensembl_id(pl.lit(pl.Series(adata.var_names.to_list()))).all()).item()
    assert adata.obs["donor_id"].nunique() == 17


def test_many_blocks_hold_all_cells_and_the_same_seed_gives_them_again(tmp_path):
    n_obs = 2 * atlas._ROWS_PER_BLOCK + 1
    first, again = (
        ad.read_h5ad(atlas.write_atlas(tmp_path / f"{i}.h5ad", n_obs=n_obs, n_vars=200)) for i in range(2)
    )
    assert (np.diff(first.X.indptr) > 0).all()
    assert first.shape == (n_obs, 200)
    assert (first.X != again.X).nnz == 0
    assert first.obs.equals(again.obs)


@pytest.mark.parametrize("way", [references.dense_way, references.sparse_way], ids=["dense", "sparse"])
def test_a_reference_writes_our_sentences_up_to_ties(way, path, adata, tmp_path):
    ours.write_sentences(path, tmp_path / "ours")
    way(path, tmp_path / "theirs")
    our_rows, their_rows = read_sentences(tmp_path / "ours"), read_sentences(tmp_path / "theirs")
    assert our_rows["cell_id"].to_list() == their_rows["cell_id"].to_list() == adata.obs_names.to_list()
    gene_of = {symbol: gene for gene, symbol in enumerate(adata.var["feature_name"])}
    expression = adata.X.toarray()
    for row, (our_words, their_words) in enumerate(zip(our_rows["words"], their_rows["words"], strict=True)):
        of_ours = expression[row, [gene_of[word] for word in our_words]]
        of_theirs = expression[row, [gene_of[word] for word in their_words]]
        assert (np.diff(of_ours) <= 0).all()
        assert (np.diff(of_theirs) <= 0).all()
        named = their_words.filter(pl.Series(of_theirs > 0))
        assert len(our_words) == len(named) == (expression[row] > 0).sum()
        assert set(our_words) == set(named)


def test_only_the_dense_way_names_what_is_not_expressed(path, tmp_path):
    references.dense_way(path, tmp_path / "dense")
    assert (read_sentences(tmp_path / "dense")["words"].list.len() == references.TOP_N).all()


def test_the_floor_writes_as_many_rows_as_asked_for(path, tmp_path):
    ours.write_sentences(path, tmp_path / "ours")
    blocks = floor.load_part(tmp_path / "ours", rows=128)
    floor.write_only(blocks, tmp_path / "written", n_obs=2 * N_OBS + 7)
    written = read_sentences(tmp_path / "written")
    once = read_sentences(tmp_path / "ours")
    assert written.equals(pl.concat([once, once, once[:7]]))


def test_the_floor_inflates_whole_chunks(path, monkeypatch):
    n_bytes = []
    decompress = floor.isal_zlib.decompress

    def count(*arguments, **options):
        n_bytes.append(len(decompress(*arguments, **options)))

    monkeypatch.setattr(floor.isal_zlib, "decompress", count)
    floor.inflate(path)
    with h5py.File(path) as file:
        expected = [
            dataset.chunks[0] * 4
            for dataset in (file["X/data"], file["X/indices"])
            for _ in range(dataset.id.get_num_chunks())
        ]
    assert sorted(n_bytes) == sorted(expected)


def test_blocks_are_as_large_as_those_of_the_asset():
    assert Store.model_fields["rows_per_block"].default == ours.ROWS_PER_BLOCK
