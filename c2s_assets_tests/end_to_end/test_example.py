"""The embedded example: the promises of the tables, on 2,000 of its cells and all of its 20,000 genes."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import anndata as ad
import polars as pl
import pytest

from c2s_assets.defs.service import build
from c2s_assets.schemas.registry import tables_of_any_dataset
from c2s_assets.simulate import simulate_h5ad
from c2s_assets_tests.defs.building import Workshop, broken, build_only, files_below, open_workshop
from c2s_assets_tests.toy import make_lake

pytestmark = pytest.mark.slow

_BUILT = [name for name in tables_of_any_dataset() if name != "projections"]
_COMPARED = [name for name in _BUILT if name not in ("pseudocells", "validation_report")]
# The record tells the digest of the profile, which states the memory that a block takes.
_LEFT_OUT = ("pseudocells/", "validation_report.json", "report.html", "record.json")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The example, built with the usual block of cells."""
    layout = make_lake(tmp_path_factory.mktemp("example"))
    simulate_h5ad(layout.inbox_h5ad("example"), n_obs=2_000)
    with open_workshop(layout) as workshop:
        # t-SNE takes half of a build; that its bytes stay the same is tested on fewer cells.
        report = build(workshop.instance, workshop.definitions, "example", assets=_BUILT)
        assert report.succeeded
        # About one cell in a hundred is simulated without an age; a donor has about eight cells of a type.
        assert broken(report) == {
            "cell_metadata/ages_are_known",
            "split_manifest/no_cell_is_left_out_for_its_age",
            "pseudobulk/groups_have_cells",
            "pseudocells/groups_have_cells",
            "validation_report/checks_hold",
        }
        yield workshop


@pytest.mark.parametrize("rows_per_block", [500, 100_000])
def test_the_block_of_cells_read_at_once_changes_no_byte(
    tmp_path: Path, example: Workshop, rows_per_block: int
) -> None:
    layout = make_lake(tmp_path)
    layout.inbox_h5ad("example").hardlink_to(example.layout.raw_h5ad("example"))
    with open_workshop(layout, rows_per_block=rows_per_block) as workshop:
        assert build_only(workshop, "example", *_COMPARED).success

    expected, found = (files_below(lake.dataset("example")) for lake in (example.layout, layout))
    expected = {name: content for name, content in expected.items() if not name.startswith(_LEFT_OUT)}
    # The profile alone says how much memory the block will take.
    del expected["profile.json"], found["profile.json"], found["record.json"]
    assert found == expected


def test_no_donor_is_in_both_splits(example: Workshop) -> None:
    listed = example.train_test("example")
    train, test = (set(listed.filter(pl.col("side") == side)["donor_uid"]) for side in ("train", "test"))

    assert train
    assert test
    assert not train & test
    assert 0.03 < (listed["side"] == "test").mean() < 0.08


def test_every_sentence_equals_an_independent_slow_reference(example: Workshop) -> None:
    """In plain NumPy, cell by cell, from the definition: no code of the package but the files it wrote."""
    adata = ad.read_h5ad(example.layout.raw_h5ad("example"))
    counts = adata.raw.X.tocsr()
    symbols = [_symbol(name, index) for index, name in adata.raw.var["feature_name"].items()]
    keys = [_key(index) for index in adata.raw.var_names]
    sentences = example.read("cell_sentences", "example")

    assert sentences["cell_id"].to_list() == list(adata.obs_names)
    for row, cell_id in enumerate(adata.obs_names):
        cell = slice(counts.indptr[row], counts.indptr[row + 1])
        cell_key = _key(cell_id)
        ranked = sorted(
            (-value, _mix(cell_key ^ keys[column]), symbols[column])
            for column, value in zip(counts.indices[cell], counts.data[cell], strict=True)
            if value > 0 and symbols[column] is not None
        )
        words = list(dict.fromkeys(symbol for _, _, symbol in ranked if symbol))
        assert sentences["cell_sentence"][row] == " ".join(words[:2000])
        assert sentences["n_expressed"][row] == len(words)
        assert sentences["sentence_length"][row] == min(2000, len(words))


def test_sentences_name_neither_an_ensembl_id_nor_a_gene_that_is_not_expressed(example: Workshop) -> None:
    sentences = example.read("cell_sentences", "example")
    words = sentences.select(pl.col("cell_sentence").str.split(" ").explode())["cell_sentence"]

    assert not words.str.contains("ENS").any()
    assert sentences["sentence_length"].min() < 2000
    assert (sentences["sentence_length"] == sentences["n_expressed"].clip(upper_bound=2000)).all()


def _symbol(name: str, index: str) -> str | None:
    name = name.partition("_ENS")[0]
    return None if name.startswith("ENSG") or name == index else name


def _key(name: str) -> int:
    salt = blake2b(b"0", digest_size=16).digest()
    return int.from_bytes(blake2b(name.encode(), digest_size=8, salt=salt).digest(), "little")


def _mix(key: int) -> int:
    mask = 2**64 - 1
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9 & mask
    key = (key ^ (key >> 27)) * 0x94D049BB133111EB & mask
    return key ^ (key >> 31)
