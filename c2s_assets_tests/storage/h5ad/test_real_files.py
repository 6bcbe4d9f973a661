"""Reads every real file of ../shared/data as anndata does."""

import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy.sparse import csr_array

from c2s_assets.storage.h5ad.frames import Frame
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import SHARED_DATA

PATHS = sorted(SHARED_DATA.glob("*.h5ad"))

pytestmark = pytest.mark.skipif(not PATHS, reason="the shared data is not here")


def _read_with_anndata(path: Path) -> ad.AnnData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ad.read_h5ad(path)


def _assert_same_frame(frame: Frame, expected: object) -> None:
    assert frame.index().to_list() == expected.index.tolist()
    assert set(frame.names) == set(expected.columns)
    for info in frame.describe():
        assert info.problem is None
        column = expected[info.name]
        values = column.astype(object).where(column.notna(), None).tolist()
        assert frame.read(info.name).to_list() == values


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_real_file_is_read_as_anndata_reads_it(path: Path) -> None:
    expected = _read_with_anndata(path)
    with open_h5ad(path) as h5ad:
        _assert_same_frame(h5ad.obs, expected.obs)
        _assert_same_frame(h5ad.var, expected.var)
        matrices = {"X": expected.X}
        if expected.raw is not None:
            matrices["raw.X"] = expected.raw.X
            _assert_same_frame(h5ad.raw_var, expected.raw.var)
        assert set(h5ad.matrices) == set(matrices)
        for name, matrix in matrices.items():
            read = [block for _, block in h5ad.matrix(name).blocks(rows=997)]
            wanted = csr_array(matrix, dtype=np.float32)
            wanted.sort_indices()
            wanted.eliminate_zeros()
            assert np.array_equal(np.concatenate([block.data for block in read]), wanted.data)
            assert np.array_equal(np.concatenate([block.indices for block in read]), wanted.indices)
        assert set(h5ad.embeddings()) == set(expected.obsm)
        for name, values in expected.obsm.items():
            assert np.array_equal(h5ad.read_embedding(name), np.asarray(values))
        assert len(h5ad.structure()) > 10
        assert set(h5ad.uns(max_values=100)) >= set(expected.uns)
