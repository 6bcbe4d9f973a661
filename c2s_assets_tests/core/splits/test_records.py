import polars as pl
import pytest

from c2s_assets.core.cells.provenance import Publication
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.splits.manifest import split_donors
from c2s_assets.core.splits.records import PUBLICATION_COLUMNS, join_records
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.schemas.tables import TrainTest
from c2s_assets.schemas.violations import violations

PUBLICATION = Publication(title="Atlas", collection_id="c0", doi="10.1000/1")


def metadata(donors=("a", "b", "b"), **columns):
    n_obs = len(donors)
    return pl.DataFrame(
        {
            "cell_id": [f"cell{i}" for i in range(n_obs)],
            "dataset_id": ["atlas"] * n_obs,
            "donor_id": donors,
            "donor_uid": [donor and f"atlas/{donor}" for donor in donors],
            "has_known_donor": [donor is not None for donor in donors],
            "age": pl.Series([30.0] * n_obs, dtype=pl.Float32),
            **columns,
        },
        schema_overrides={"donor_id": pl.String, "donor_uid": pl.String},
    )


def sentences(n_obs=3):
    counts = pl.Series(range(n_obs), dtype=pl.Int32)
    return pl.DataFrame(
        {
            "cell_id": [f"cell{i}" for i in range(n_obs)],
            "cell_sentence": [f"G{i}" for i in range(n_obs)],
            "n_expressed": counts,
            "sentence_length": counts,
            "n_above_ties": counts,
            "tie_share": pl.Series([0.0] * len(counts), dtype=pl.Float32),
            "cell_sentence_few": ["few"] * n_obs,
        }
    )


def split(cells):
    return split_donors(cells.with_columns(is_primary_data=pl.lit(True)), spec=SplitSpec())


def join(cells, publication=PUBLICATION):
    return join_records(cells, sentences(cells.height), split(cells), publication=publication)


def test_a_record_holds_metadata_sentence_side_and_publication():
    cells = metadata(cell_type=["T", "B", None])
    records = join(cells)
    kept = ["dataset_id", "donor_id", "donor_uid", "age", "cell_type", "cell_sentence_few", "n_expressed"]
    assert set(kept) <= set(records.columns)
    assert records.select("cell_id", "cell_sentence", "cell_type").rows() == [
        ("cell0", "G0", "T"),
        ("cell1", "G1", "B"),
        ("cell2", "G2", None),
    ]
    assert records.select(PUBLICATION_COLUMNS).row(0) == ("c0", "Atlas", "10.1000/1", None)
    assert violations(records, TrainTest).is_empty()


def test_all_cells_of_a_donor_are_on_its_side():
    records = join(metadata())
    assert records["split_level"].unique().to_list() == ["donor"]
    assert records.group_by("donor_id").agg(pl.col("split").n_unique())["split"].to_list() == [1, 1]
    assert sorted(records["split"].unique()) == ["test", "train"]


def test_where_no_donor_is_known_cells_are_split():
    records = join(metadata((None, None, None)))
    assert records["split_level"].unique().to_list() == ["cell"]
    assert sorted(records["split"].unique()) == ["test", "train"]


def test_cells_on_neither_side_are_left_out():
    cells = metadata(is_primary_data=[True, False, True])
    records = join_records(cells, sentences(), split_donors(cells, spec=SplitSpec()), publication=PUBLICATION)
    assert records["cell_id"].to_list() == ["cell0", "cell2"]


def test_blocks_give_what_the_whole_gives():
    cells, manifest = metadata(), split(metadata())
    parts = [
        join_records(cells[i : i + 1], sentences()[i : i + 1], manifest, publication=PUBLICATION)
        for i in range(3)
    ]
    assert pl.concat(parts).equals(join(cells))


def test_what_is_not_known_of_the_publication_is_missing():
    records = join(metadata(), publication=Publication())
    assert records.select(PUBLICATION_COLUMNS).row(0) == (None, None, None, None)
    assert set(records.select(PUBLICATION_COLUMNS).dtypes) == {pl.String}


def test_metadata_columns_called_like_ours_are_kept_under_another_name():
    own = {
        "split": ["x"] * 3,
        "split_in_source": ["y"] * 3,
        "collection_id": ["z"] * 3,
        "cell_sentence": ["?"] * 3,
    }
    records = join(metadata(**own))
    renamed = [
        "split_in_source",
        "split_in_source_in_source",
        "collection_id_in_source",
        "cell_sentence_in_source",
    ]
    assert records.select(renamed).row(0) == ("x", "y", "z", "?")
    assert set(records["split"]) == {"train", "test"}


def test_no_eligible_cell_gives_no_record():
    cells = metadata(is_primary_data=[False] * 3)
    records = join_records(cells, sentences(), split_donors(cells, spec=SplitSpec()), publication=PUBLICATION)
    assert records.is_empty()


@pytest.mark.parametrize(
    ("others", "found"),
    [
        (sentences().reverse(), "row 0 of a block is 'cell0' in one and 'cell2' in the other"),
        (sentences(2), "3 and 2 rows"),
    ],
    ids=["another order", "fewer"],
)
def test_sentences_of_other_cells_are_refused(others, found):
    cells = metadata()
    with pytest.raises(MissingInputError, match=found) as caught:
        join_records(cells, others, split(cells), publication=PUBLICATION)
    assert "Build both again" in str(caught.value)


def test_a_manifest_of_other_donors_is_refused():
    with pytest.raises(MissingInputError, match="no row for donor_id 'b'"):
        join_records(metadata(), sentences(), split(metadata(("a", "c", "c"))), publication=PUBLICATION)
