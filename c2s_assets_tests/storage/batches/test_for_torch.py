"""Batches in PyTorch, which is not required and often not installed."""

import numpy as np
import pytest

import c2s_assets
from c2s_assets.core.errors import C2SError
from c2s_assets.storage.batches import iterating
from c2s_assets.storage.batches.iterating import Batches
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables import sparse
from c2s_assets_tests.corpus import make_corpus

DATASETS = ["blood", "lung", "mouse"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sparse, "ROWS_PER_DRAW", 8)
        return make_corpus(tmp_path_factory, "expression")


def draw(layout: Layout, **options) -> Batches:
    return c2s_assets.batches(
        DATASETS, lake=layout.root, columns=["dataset_id", "cell_id"], batch_size=7, **options
    )


def test_without_pytorch_one_is_told_so(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(iterating, "import_module", is_missing)
    with pytest.raises(C2SError, match=r"PyTorch is not installed.* form='csr' or 'dense'"):
        draw(layout).for_torch()


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_a_tensor_holds_what_the_matrix_holds(layout: Layout) -> None:
    import torch

    for tensor, matrix in zip(draw(layout, form="torch"), draw(layout), strict=True):
        assert tensor.x.layout == torch.sparse_csr
        assert np.array_equal(tensor.x.to_dense().numpy(), matrix.x.toarray())


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("n_workers", [0, 1, 3])
def test_workers_share_the_cells_and_go_on_from_any_batch(layout: Layout, n_workers: int) -> None:
    from torch.utils import data

    def load(batches: Batches) -> list[list[dict]]:
        loader = data.DataLoader(batches.for_torch(), batch_size=None, num_workers=n_workers)
        return [batch.cells.to_pylist() for batch in loader]

    rank = draw(layout).share(1, 2).at(epoch=1)
    drawn = load(rank)
    due = [str(cell) for batch in rank for cell in batch.cells.to_pylist()]
    assert sorted(str(cell) for cells in drawn for cell in cells) == sorted(due)
    assert load(rank.at(epoch=1, batch=4)) == drawn[4:]


@pytest.mark.peers
def test_sentences_are_refused_in_a_forked_worker_rather_than_waited_for(layout: Layout) -> None:
    from torch.utils import data

    dataset = draw(layout, of="sentences").for_torch()
    assert next(iter(data.DataLoader(dataset, batch_size=None))).sentences
    loader = data.DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(C2SError, match="multiprocessing_context='spawn'"):
        next(iter(loader))


@pytest.mark.peers
@pytest.mark.slow
def test_sentences_are_read_by_workers_that_were_spawned(layout: Layout) -> None:
    from torch.utils import data

    batches = draw(layout, of="sentences")
    loader = data.DataLoader(
        batches.for_torch(), batch_size=None, num_workers=1, multiprocessing_context="spawn"
    )
    assert [batch.sentences for batch in loader] == [batch.sentences for batch in batches]
