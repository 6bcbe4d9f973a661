"""`c2s_assets.batches`: what is drawn is what is in the lake, each cell once."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, vstack

import c2s_assets
from c2s_assets.core.errors import C2SError, LakeError, MissingInputError, UnknownNameError
from c2s_assets.storage.batches import iterating, sentences
from c2s_assets.storage.batches.files import SameFile
from c2s_assets.storage.batches.iterating import Batch, Batches
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables import sparse
from c2s_assets.storage.tables.scanning import scan_files
from c2s_assets_tests.corpus import TABLES
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import NASTY, drop_toy_h5ad, make_lake

COLUMNS = ["dataset_id", "cell_id", "cell_type", "age"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """`blood` and `lung` share 30 of 40 genes, in opposite orders; `normal` has no counts. In blocks of 4."""
    layout = make_lake(tmp_path_factory.mktemp("lake"))
    drop_toy_h5ad(layout, "blood", n_obs=70)
    lung = drop_toy_h5ad(layout, "lung", obs={"donor_id": [f"lung_{cell % 5}" for cell in range(60)]}, seed=1)
    adata = ad.read_h5ad(lung)
    adata = ad.AnnData(X=adata.raw.X, obs=adata.obs, var=adata.raw.var, uns=adata.uns)[:, 10:][:, ::-1].copy()
    adata.write_h5ad(lung)
    drop_toy_h5ad(layout, "normal", matrices="normalised X")
    drop_toy_h5ad(layout, "bare")
    with pytest.MonkeyPatch.context() as patched, open_workshop(layout) as workshop:
        patched.setattr(sparse, "ROWS_PER_DRAW", 4)
        for dataset_id in ("blood", "lung", "normal"):
            assert build_only(workshop, dataset_id, *TABLES, "expression").success
        assert build_only(workshop, "bare", *TABLES).success
    return layout


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Windows of a few cells."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(iterating, "_BYTES_PER_WINDOW", 2_000)
        patched.setattr(sentences, "ROWS_PER_DRAW", 4)
        yield


@pytest.fixture
def copy(layout: Layout, tmp_path: Path) -> Layout:
    """The same lake, to be changed, below a folder with a name that says nothing."""
    return Layout(Path(shutil.copytree(layout.root, tmp_path / NASTY / "lake")))


def draw(layout: Layout, *datasets: str, **options) -> Batches:
    return c2s_assets.batches(
        datasets or ("blood", "lung"), **{"columns": COLUMNS, "lake": layout.root, **options}
    )


def cells_of(drawn: Iterable[Batch]) -> list[tuple[str, str]]:
    frames = [pl.DataFrame(pl.from_arrow(batch.cells)) for batch in drawn]
    return [row for cells in frames for row in cells.select("dataset_id", "cell_id").rows()]


def matrix_of(drawn: Iterable[Batch]) -> csr_array:
    return vstack([csr_array(batch.x) for batch in drawn], format="csr")


def due_matrix(layout: Layout, cells: list[tuple[str, str]], genes: tuple[str, ...]) -> np.ndarray:
    """Look the cells up one dataset at a time, in another way."""
    due = np.zeros((len(cells), len(genes)), np.float32)
    for dataset_id in {dataset_id for dataset_id, _ in cells}:
        adata = c2s_assets.read_expression(dataset_id, lake=layout.root)
        frame = adata.to_df().reindex(columns=genes, fill_value=0)
        rows = [row for row, (name, _) in enumerate(cells) if name == dataset_id]
        due[rows] = frame.loc[[cells[row][1] for row in rows]].to_numpy()
    return due


@settings(max_examples=25)
@given(
    batch_size=st.integers(1, 40),
    seed=st.integers(0, 9),
    n_ranks=st.integers(1, 3),
    n_workers=st.integers(1, 3),
    side=st.sampled_from([None, "train", "test"]),
    of=st.sampled_from(["expression", "sentences"]),
)
def test_every_cell_comes_once_an_epoch_over_all_shares(
    *,
    layout: Layout,
    batch_size: int,
    seed: int,
    n_ranks: int,
    n_workers: int,
    side: str | None,
    of: str,
) -> None:
    whole = draw(layout, side=side, batch_size=batch_size, seed=seed, of=of).at(epoch=1)
    shares = [
        whole.share(rank, n_ranks).share(worker, n_workers)
        for rank in range(n_ranks)
        for worker in range(n_workers)
    ]
    drawn = [list(share) for share in shares]

    training = c2s_assets.open_lake(layout.root).training(datasets=["blood", "lung"], side=side)
    due = training.select("dataset_id", "cell_id").collect().rows()
    assert sorted(cell for batches in drawn for cell in cells_of(batches)) == sorted(due)
    for share, batches in zip(shares, drawn, strict=True):
        assert len(share) == len(batches)
        assert all(batch.cells.num_rows == batch_size for batch in batches[:-1])


def test_values_and_labels_are_those_of_the_lake(layout: Layout) -> None:
    batches = draw(layout, side="train", batch_size=13)
    drawn = list(batches)
    cells, found = cells_of(drawn), matrix_of(drawn)

    assert len(batches.genes) == 40
    assert np.array_equal(found.toarray(), due_matrix(layout, cells, batches.genes))
    assert found.has_canonical_format
    assert (found.dtype, drawn[0].x.indices.dtype) == (np.float32, np.int32)
    lung = batches.measured["lung"]
    assert [gene for gene, is_measured in zip(batches.genes, lung, strict=True) if not is_measured] == [
        f"ENSG{number:011d}" for number in range(1, 11)
    ]
    training = c2s_assets.open_lake(layout.root).training(columns=COLUMNS, datasets=["blood", "lung"])
    due = {(row["dataset_id"], row["cell_id"]): row for row in training.collect().iter_rows(named=True)}
    for batch in drawn:
        for row in batch.cells.to_pylist():
            assert row == due[row["dataset_id"], row["cell_id"]]


def test_genes_are_columns_in_the_order_they_are_asked_for(layout: Layout) -> None:
    genes = ["GENE33", "ENSG00000000002", "GENE12"]
    batches = draw(layout, genes=genes, batch_size=50)
    drawn = list(batches)
    assert batches.genes == ("ENSG00000000033", "ENSG00000000002", "ENSG00000000012")
    assert np.array_equal(matrix_of(drawn).toarray(), due_matrix(layout, cells_of(drawn), batches.genes))


def test_sentences_are_those_of_the_training_table(layout: Layout) -> None:
    drawn = list(draw(layout, side="test", of="sentences", batch_size=7))
    training = c2s_assets.open_lake(layout.root).training(datasets=["blood", "lung"], side="test")
    rows = training.select("dataset_id", "cell_id", "cell_sentence").collect().rows()
    due = {(dataset_id, cell_id): sentence for dataset_id, cell_id, sentence in rows}
    found = [sentence for batch in drawn for sentence in batch.sentences]
    assert found == [due[cell] for cell in cells_of(drawn)]
    assert all(batch.x is None for batch in drawn)


@settings(max_examples=25)
@given(
    batch_size=st.integers(1, 40), after=st.integers(0, 30), of=st.sampled_from(["expression", "sentences"])
)
def test_what_goes_on_is_what_would_have_come(layout: Layout, batch_size: int, after: int, of: str) -> None:
    whole = draw(layout, batch_size=batch_size, seed=4, of=of).share(1, 2).at(epoch=2)
    rest = whole.at(epoch=2, batch=after)
    assert len(rest) == max(0, len(whole) - after)
    due = list(whole)[after:]
    assert [batch.cells.to_pylist() for batch in rest] == [batch.cells.to_pylist() for batch in due]
    if of == "expression" and due:
        assert (matrix_of(rest) != matrix_of(due)).nnz == 0


def test_the_seed_and_the_epoch_decide_the_order_and_nothing_else(layout: Layout) -> None:
    first = cells_of(draw(layout))
    assert cells_of(draw(layout)) == first == cells_of(draw(layout, batch_size=9, columns=COLUMNS))
    others = [cells_of(draw(layout).at(epoch=1)), cells_of(draw(layout, seed=1))]
    assert all(sorted(other) == sorted(first) and other != first for other in others)
    assert [name for name, _ in first] != sorted(name for name, _ in first)


def test_codes_mean_the_same_on_every_side(layout: Layout) -> None:
    train, test = (draw(layout, side=side, batch_size=100) for side in ("train", "test"))
    assert train.categories == test.categories
    assert train.categories["cell_type"] == ["B cell", "T cell", "macrophage"]
    (batch,) = test
    codes = batch.codes("cell_type")
    assert [test.categories["cell_type"][code] for code in codes] == batch.cells["cell_type"].to_pylist()
    with pytest.raises(
        UnknownNameError, match=r"'age' is no column of categories.* There are dataset_id, cell_id"
    ):
        batch.codes("age")


def test_batches_without_columns_and_dense_ones_hold_the_same_cells(layout: Layout) -> None:
    sparse_ones = draw(layout, columns=[], batch_size=30)
    dense_ones = draw(layout, columns=[], batch_size=30, form="dense")
    for sparse_one, dense_one in zip(sparse_ones, dense_ones, strict=True):
        assert isinstance(dense_one.x, np.ndarray)
        assert np.array_equal(sparse_one.x.toarray(), dense_one.x)
        assert sparse_one.cells.num_columns == 0


def test_who_stops_early_leaves_nothing_running(layout: Layout) -> None:
    for batch in draw(layout, batch_size=3):
        assert batch.x.shape == (3, 40)
        break


@pytest.mark.parametrize(
    ("datasets", "options", "error", "message"),
    [
        (["blood", "bare"], {}, MissingInputError, "bare: expression is missing"),
        (["blood", "nope"], {}, UnknownNameError, "no dataset 'nope'"),
        (["blood", "normal"], {}, C2SError, "blood has counts, normal has normalised"),
        (["blood"], {"side": "dev"}, UnknownNameError, "'dev' is no side. There are train"),
        (["blood"], {"side": "validation"}, MissingInputError, "no cell of blood .* in train"),
        (["blood"], {"genes": ["XIST"]}, UnknownNameError, "1 of 1 genes .* none of blood: 'XIST'"),
        (["blood"], {"genes": []}, UnknownNameError, "genes is an empty list"),
        (["blood"], {"columns": ["bmi"]}, UnknownNameError, "'bmi' is no column of training"),
        (["blood"], {"columns": "age"}, UnknownNameError, "columns is the one text 'age'"),
        (["blood"], {"columns": ["cell_sentence"]}, UnknownNameError, "of='sentences'"),
        (["blood"], {"batch_size": 0}, C2SError, "batch_size is 0, and a batch has at least one cell"),
        (["blood"], {"seed": -1}, C2SError, "seed is -1"),
        (["blood"], {"form": "coo"}, UnknownNameError, "'coo' is no form. There are csr, dense, torch"),
        (["blood"], {"of": "counts"}, UnknownNameError, "'counts' is no content"),
    ],
    ids=[
        *("no expression", "no dataset", "two kinds", "no side", "no cell", "no such gene", "no gene"),
        *("no column", "a text", "a sentence", "no batch", "a seed", "a form", "a content"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(
    layout: Layout, datasets: list[str], options: dict, error: type[C2SError], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw(layout, *datasets, **options)


def test_a_batch_that_does_not_exist_is_refused(layout: Layout) -> None:
    with pytest.raises(C2SError, match="no batch -1 of epoch 0: both count from 0"):
        draw(layout).at(epoch=0, batch=-1)


def test_one_cell_is_a_batch(tmp_path: Path) -> None:
    one = make_lake(tmp_path)
    drop_toy_h5ad(one, "one", n_obs=1, n_donors=1, ages=(20,))
    with open_workshop(one) as workshop:
        assert build_only(workshop, "one", *TABLES, "expression").success
    (batch,) = c2s_assets.batches(["one"], lake=one.root)
    assert batch.x.shape == (1, 40)
    assert batch.x.nnz > 0


def test_a_lake_below_any_folder_is_drawn_from(copy: Layout, layout: Layout) -> None:
    assert cells_of(draw(copy, "lung")) == cells_of(draw(layout, "lung"))


def test_a_table_that_is_built_anew_meanwhile_is_not_mixed_with_what_was(copy: Layout) -> None:
    batches = draw(copy, batch_size=5)
    part = next(copy.parts("expression", "lung").iterdir())
    other = part.with_name("other")
    shutil.copy(part, other)
    other.replace(part)
    with pytest.raises(MissingInputError, match="was built anew since these batches were made"):
        list(batches)


def test_a_feature_that_does_not_exist_is_refused(copy: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = draw(copy, "lung")
    part = next(copy.parts("expression", "lung").iterdir())
    beyond = pl.col("feature_index").list.eval(pl.element() + 1000).cast(pl.List(pl.Int32))
    pq.write_table(scan_files(part).with_columns(beyond).collect().to_arrow(), part, row_group_size=4)
    monkeypatch.setattr(SameFile, "open", lambda file: file.path.open("rb"))
    with pytest.raises(LakeError, match=r"feature_index 1\d{3} is not a row of feature_metadata"):
        list(batches)
