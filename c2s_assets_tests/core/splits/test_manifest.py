from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError
from scipy.stats import wasserstein_distance

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.splits.drawing import N_FOLDS
from c2s_assets.core.splits.manifest import assign_cells, split_donors
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.splits.summary import describe_split
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.tables import SplitManifest

SPEC = SplitSpec()
SCHEMA = {
    "cell_id": pl.String,
    "donor_id": pl.String,
    "donor_uid": pl.String,
    "age": pl.Float32,
    "is_primary_data": pl.Boolean,
}


NOBODY = ["", "unknown", "pooled", "na", "n/a", "nan", "none"]


def table(rows: Sequence[tuple[str | None, float | None, bool | None]]) -> pl.DataFrame:
    """Cells given as (donor_id, age, is_primary_data)."""
    full = [
        (f"cell{i}", donor, None if donor is None else f"ds/{donor}", age, primary)
        for i, (donor, age, primary) in enumerate(rows)
    ]
    cells = pl.DataFrame(full, schema=SCHEMA, orient="row")
    return cells.with_columns(has_known_donor=says_who(cells["donor_id"]))


def says_who(donor_ids: pl.Series) -> pl.Series:
    """What `cell_metadata` says of donors that are called as in these tests."""
    return ~donor_ids.fill_null("").str.strip_chars().str.to_lowercase().is_in(NOBODY)


def donors(sizes: dict[str | None, int], *, age: float | None = 30.0) -> pl.DataFrame:
    """Cells of donors of the given sizes, all of one age."""
    return table([(donor, age, True) for donor, n in sizes.items() for _ in range(n)])


def many_donors(n_donors: int) -> pl.DataFrame:
    """Donors with about 40 cells each, of ages 20 to 79."""
    return table(
        [(f"d{d}", 20.0 + d * 37 % 60, True) for d in range(n_donors) for _ in range(30 + d * 7 % 21)]
    )


def sides(manifest: pl.DataFrame) -> dict[str | None, str | None]:
    return dict(manifest.select("donor_id", "split").iter_rows())


def donors_in_test(manifest: pl.DataFrame) -> set[str | None]:
    return set(manifest.filter(split="test")["donor_id"])


# --- the spec


def test_spec_id_is_stable_across_machines():
    assert SplitSpec().spec_id == SplitSpec(test_size=0.05, seed=0).spec_id
    assert SplitSpec().spec_id == "505c1085c51a"


@pytest.mark.parametrize(
    "change",
    [
        {"by": "dataset"},
        {"test_size": 0.1},
        {"validation_size": 0.1},
        {"seed": 1},
        {"non_primary": "keep"},
        {"missing_age": "keep"},
        {"cultures": "draw"},
        {"perturbed": "draw"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_spec_id_changes_with_every_field(change):
    assert SPEC.model_copy(update=change).spec_id != SPEC.spec_id


@pytest.mark.parametrize("test_size", [0, 1, -0.1, 1.5, float("nan")])
def test_spec_refuses_a_test_size_that_is_no_share(test_size):
    with pytest.raises(ValidationError, match="test_size"):
        SplitSpec(test_size=test_size)


@pytest.mark.parametrize("name", ["non_primary", "missing_age"])
def test_spec_refuses_an_unknown_policy(name):
    with pytest.raises(ValidationError, match=name):
        SplitSpec(**{name: "maybe"})


# --- choosing donors


def test_manifest_counts_each_donor():
    cells = table(
        [
            ("a", 20, True),
            ("a", 22, None),
            ("a", 24, True),
            ("a", 99, False),
            ("a", None, False),
            ("a", None, True),
            ("b", 50, True),
        ]
    )
    manifest = split_donors(cells, spec=SPEC)
    assert manifest.schema == frame_schema(SplitManifest)
    counts = manifest.select("donor_id", "donor_uid", "cell_id", "age_median", "n_cells").rows()
    assert counts == [("a", "ds/a", None, 22.0, 6), ("b", "ds/b", None, 50.0, 1)]
    left_out = manifest.select("n_non_primary", "n_without_age", "n_eligible").rows()
    assert left_out == [(2, 1, 3), (0, 0, 1)]


def test_huge_donor_stays_in_train_with_small_ones():
    manifest = split_donors(donors({"huge": 900, "b": 20, "c": 20, "d": 20, "e": 40}), spec=SPEC)
    assert sides(manifest)["huge"] == "train"
    assert describe_split(manifest).test_share in {0.04, 0.06}


def test_small_donors_are_tested_rather_than_huge_ones_but_not_all_of_them():
    sizes = {f"small{i}": 5 for i in range(10)} | {f"huge{i}": 95 for i in range(10)}
    in_test = donors_in_test(split_donors(donors(sizes), spec=SPEC))
    assert in_test < {f"small{i}" for i in range(10)}
    assert len(in_test) == 6  # a third of all donors


def test_a_donor_with_nearly_all_cells_is_not_all_that_train_has():
    manifest = split_donors(donors({"huge": 950} | {f"small{i}": 5 for i in range(10)}), spec=SPEC)
    assert sides(manifest)["huge"] == "train"
    assert len(donors_in_test(manifest)) == 3


@pytest.mark.parametrize("n_donors", [2, 3, 5, 20])
def test_over_many_datasets_test_is_as_old_as_train_and_has_as_many_women(n_donors):
    """Guards against one stream of random numbers for all datasets: the same age rank was always tested."""
    women = {f"d{d}" for d in range(0, n_donors, 2)}
    ages = [20.0 + 60 * d / (n_donors - 1) for d in range(n_donors)]
    tested = []
    for dataset in range(60):
        rows = [(f"d{d}", ages[(d + dataset) % n_donors], True) for d in range(n_donors) for _ in range(4)]
        cells = table(rows).with_columns(
            donor_uid=pl.format("ds{}/{}", pl.lit(dataset), "donor_id"),
            sex=pl.when(pl.col("donor_id").is_in(women)).then(pl.lit("female")).otherwise(pl.lit("male")),
        )
        tested.append(split_donors(cells, spec=SPEC).filter(split="test"))
    all_tested = pl.concat(tested)
    n_tested = all_tested.height
    if n_donors <= 5:
        assert set(all_tested["age_median"]) == set(pl.Series(ages, dtype=pl.Float32))
    # Within three standard errors of the mean of what is drawn evenly.
    spread = float(pl.Series(ages).std(ddof=0))
    assert all_tested["age_median"].mean() == pytest.approx(50, abs=3 * spread / n_tested**0.5)
    share = all_tested["donor_id"].is_in(women).mean()
    assert share == pytest.approx(len(women) / n_donors, abs=3 * 0.5 / n_tested**0.5)


def test_datasets_of_one_collection_test_the_same_donors():
    cells = many_donors(40)
    of_collection = cells.with_columns(donor_uid=pl.format("collection/{}", "donor_id"))
    others = cells.with_columns(donor_uid=pl.format("another/{}", "donor_id"))
    chosen = [donors_in_test(split_donors(c, spec=SPEC)) for c in (of_collection, of_collection, others)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_of_several_donors_in_test_some_are_men_and_some_women():
    rows = [(f"d{d}", 30.0, True) for d in range(40) for _ in range(10)]
    cells = table(rows).with_columns(
        sex=pl.when(pl.col("donor_id").str.slice(1).cast(pl.Int32) < 20).then(pl.lit("female"))
    )
    cells = cells.with_columns(pl.col("sex").fill_null("male"))
    for seed in range(10):
        in_test = donors_in_test(split_donors(cells, spec=SplitSpec(test_size=0.1, seed=seed)))
        n_women = sum(int(donor[1:]) < 20 for donor in in_test)
        assert n_women == len(in_test) / 2


@pytest.mark.parametrize("sex", [None, "unknown", "NA"])
def test_donors_of_unknown_sex_are_split_as_if_nothing_were_said(sex):
    cells = many_donors(40)
    manifest = split_donors(cells.with_columns(sex=pl.lit(sex, pl.String)), spec=SPEC)
    assert_frame_equal(manifest, split_donors(cells, spec=SPEC))


def test_test_donors_are_as_old_as_train_donors():
    rows = [(f"d{d}", 20.0 if d < 10 else 80.0, True) for d in range(20) for _ in range(10)]
    manifest = split_donors(table(rows), spec=SplitSpec(test_size=0.1))
    assert sorted(manifest.filter(split="test")["age_median"]) == [20, 80]


@pytest.mark.parametrize(
    "test_size", [0.001, 0.5, 0.999], ids=["less than a donor", "half", "more than leaves a donor"]
)
def test_both_sides_have_a_donor_whatever_the_test_size(test_size):
    manifest = split_donors(
        donors({"a": 10, "b": 10}), spec=SplitSpec(test_size=test_size, validation_size=0)
    )
    assert sorted(sides(manifest).values()) == ["test", "train"]


def test_an_only_donor_is_train():
    manifest = split_donors(donors({"a": 3}), spec=SPEC)
    assert manifest.select("split", "fold", "reason").row(0) == (
        "train",
        0,
        "in train: the only donor that can be told apart",
    )


def test_an_only_donor_is_train_beside_unknown_ones():
    manifest = split_donors(donors({"a": 1, "unknown": 20}), spec=SPEC)
    assert set(sides(manifest).values()) == {"train"}


@pytest.mark.parametrize("name", [*NOBODY, "Unknown", " POOLED ", "NaN", None])
def test_donors_that_cannot_be_told_apart_are_train_without_fold(name):
    manifest = split_donors(donors({"a": 10, "b": 10, name: 10}), spec=SplitSpec(test_size=0.9))
    row = manifest.filter(pl.col("donor_id").eq_missing(name)).row(0, named=True)
    assert (row["split"], row["fold"], row["n_eligible"]) == ("train", None, 10)
    assert row["donor_uid"] == (None if name is None else f"ds/{name}")
    assert len(donors_in_test(manifest)) == 1


def test_each_name_for_unknown_donors_has_a_row():
    manifest = split_donors(donors({"unknown": 2, "pooled": 3, None: 4, "NA": 1}), spec=SPEC)
    assert sides(manifest) == {"NA": "train", "pooled": "train", "unknown": "train", None: "train"}
    summary = describe_split(manifest)
    assert (summary.n_train, summary.n_test, summary.n_indistinct) == (10, 0, 10)
    assert (summary.split_level, summary.n_donors_train) == ("donor", 0)


def test_non_primary_cells_count_only_when_kept():
    cells = table([("a", 20, True)] * 5 + [("b", 20, False)] * 5)
    dropped, kept = (split_donors(cells, spec=SplitSpec(non_primary=p)) for p in ("drop", "keep"))
    assert sides(dropped) == {"a": "train", "b": None}
    assert dropped["reason"][1] == "on no side: none of its cells is eligible"
    assert dropped["n_non_primary"].to_list() == [0, 5]
    assert sorted(sides(kept).values()) == ["test", "train"]
    assert kept["n_non_primary"].to_list() == [0, 0]


def test_a_dataset_without_primary_cells_has_nothing_on_either_side():
    cells = table([("a", 20, False), ("b", 30, False)])
    manifest = split_donors(cells, spec=SPEC)
    summary = describe_split(manifest)
    assert (summary.n_train, summary.n_test, summary.n_non_primary) == (0, 0, 2)
    assert summary.test_share is None
    assert assign_cells(cells, manifest)["split"].to_list() == [None, None]
    assert manifest["fold"].to_list() == [None, None]


def test_null_primary_counts_as_primary():
    cells = table([("a", 20, None), ("b", 20, None)])
    assert describe_split(split_donors(cells, spec=SPEC)).n_non_primary == 0


@pytest.mark.parametrize("missing", [None, float("nan")], ids=["null", "nan"])
def test_cells_without_age_stay_when_no_cell_has_one(missing):
    cells = donors({"a": 4, "b": 4}, age=missing)
    summary = describe_split(split_donors(cells, spec=SPEC))
    assert (summary.n_train, summary.n_test, summary.n_without_age) == (4, 4, 0)
    assert summary.age_mean_train is None
    assert summary.age_distance is None


def test_ages_of_dropped_cells_do_not_count_as_ages_of_the_dataset():
    cells = table([("a", None, True), ("b", None, True), ("b", 40, False)])
    summary = describe_split(split_donors(cells, spec=SPEC))
    assert (summary.n_train, summary.n_test, summary.n_non_primary, summary.n_without_age) == (1, 1, 1, 0)


def test_donor_without_age_is_left_out_when_others_have_one():
    cells = table([("a", 20, True), ("b", 30, True), ("c", None, True)])
    manifest = split_donors(cells, spec=SPEC)
    assert sides(manifest)["c"] is None
    assert assign_cells(cells, manifest)["split"][2] is None


def test_cells_without_age_stay_on_a_side_when_the_spec_keeps_them():
    cells = table([("a", 20, True), ("b", 30, True), ("b", None, True), ("c", None, True)])
    manifest = split_donors(cells, spec=SplitSpec(missing_age="keep"))
    assert manifest["n_without_age"].to_list() == [0, 0, 0]
    assert manifest["age_median"].to_list() == [20, 30, None]
    assert assign_cells(cells, manifest)["split"].null_count() == 0


def test_zero_cells_give_an_empty_manifest():
    manifest = split_donors(table([]), spec=SPEC)
    assert manifest.schema == frame_schema(SplitManifest)
    assert manifest.is_empty()
    assert describe_split(manifest).n_cells == 0
    assert assign_cells(table([]), manifest).is_empty()


def test_donor_ids_may_hold_any_characters():
    names = ["a/b", "a,b", "'; drop", "é\u0301", "\x00", "🧬", "line\nbreak", " "]
    manifest = split_donors(donors(dict.fromkeys(names, 5)), spec=SPEC)
    assert set(manifest["donor_id"]) == set(names)
    assert sides(manifest)[" "] == "train"  # nothing but space is no name
    assert len(donors_in_test(manifest)) == 1


def test_seeds_give_different_splits_where_there_is_a_choice():
    cells = many_donors(40)
    chosen = {frozenset(donors_in_test(split_donors(cells, spec=SplitSpec(seed=s)))) for s in range(5)}
    assert len(chosen) > 2


def test_the_first_donor_by_name_is_not_preferred():
    """Guards against draws that follow the order of the ids: equal donors must all have a chance."""
    cells = donors(dict.fromkeys("abcdefgh", 5))
    chosen = {d for s in range(60) for d in donors_in_test(split_donors(cells, spec=SplitSpec(seed=s)))}
    assert chosen == set("abcdefgh")


@pytest.mark.parametrize("test_size", [0.05, 0.2, 0.5])
def test_share_is_close_to_the_target_with_many_similar_donors(test_size):
    summary = describe_split(split_donors(many_donors(100), spec=SplitSpec(test_size=test_size)))
    assert summary.test_share == pytest.approx(test_size, rel=0.05)
    assert summary.age_distance < 6


def test_two_thousand_donors_split_the_same_for_shuffled_rows():
    cells = many_donors(2_000)
    manifest = split_donors(cells, spec=SPEC)
    assert_frame_equal(split_donors(cells.sample(fraction=1, shuffle=True, seed=3), spec=SPEC), manifest)


def test_split_of_known_donors_never_changes():
    """Guards published splits: another Python, NumPy or Polars must not move a donor."""
    manifest = split_donors(many_donors(40), spec=SPEC)
    assert sorted(donors_in_test(manifest)) == ["d28", "d37"]


# --- folds


def test_folds_are_balanced_in_cells_and_age():
    manifest = split_donors(many_donors(100), spec=SPEC)
    folds = manifest.group_by("fold").agg(pl.col("n_eligible").sum(), pl.col("age_median").mean())
    assert sorted(folds["fold"]) == list(range(N_FOLDS))
    assert folds["n_eligible"].max() < 1.05 * folds["n_eligible"].min()
    assert folds["age_median"].max() - folds["age_median"].min() < 5


def test_a_huge_donor_has_a_fold_of_its_own():
    manifest = split_donors(donors({"huge": 900} | {f"d{i}": 10 for i in range(20)}), spec=SPEC)
    huge = manifest.filter(donor_id="huge")["fold"][0]
    assert manifest.filter(fold=huge)["donor_id"].to_list() == ["huge"]
    assert manifest.filter(pl.col("fold") != huge)["fold"].value_counts()["count"].to_list() == [5] * 4


def test_three_donors_are_in_three_folds():
    assert split_donors(donors({"a": 9, "b": 5, "c": 1}), spec=SPEC)["fold"].n_unique() == 3


# --- by cell


def anonymous(ages: Sequence[float | None], *, primary: bool | None = True) -> pl.DataFrame:
    return table([(None, age, primary) for age in ages])


def test_without_donors_each_cell_has_a_row_in_the_order_of_obs():
    cells = anonymous([20, 30, None]).with_columns(cell_id=pl.Series(["z", "a", "m"]))
    manifest = split_donors(cells, spec=SPEC)
    assert manifest.schema == frame_schema(SplitManifest)
    assert manifest["cell_id"].to_list() == ["z", "a", "m"]
    assert set(manifest["split_level"]) == {"cell"}
    assert manifest["n_without_age"].to_list() == [0, 0, 1]
    assert manifest["reason"][2] == "on no side: age unknown"
    assert sorted(manifest["split"][:2]) == ["test", "train"]


def test_cells_are_stratified_by_age():
    manifest = split_donors(anonymous([20.0] * 100 + [50.0] * 200 + [80.0] * 300), spec=SPEC)
    in_test = manifest.filter(split="test")
    assert in_test.group_by("age_median").len().sort("age_median").rows() == [(20, 5), (50, 10), (80, 15)]


def test_test_cells_are_spread_over_the_folds():
    """Guards against taking test and folds from one order: every test cell was then in the same fold."""
    manifest = split_donors(anonymous([30.0] * 1_000), spec=SPEC)
    assert manifest["fold"].value_counts()["count"].to_list() == [200] * N_FOLDS
    assert manifest.filter(split="test")["fold"].n_unique() == N_FOLDS


def test_cell_split_depends_on_seed_and_cell_id_not_on_row_order():
    cells = anonymous([30.0, 40.0] * 50)
    manifest = split_donors(cells, spec=SPEC)
    assert_frame_equal(split_donors(cells.reverse(), spec=SPEC).reverse(), manifest)
    assert not split_donors(cells, spec=SplitSpec(seed=1)).equals(manifest)


def test_one_cell_without_donor_is_train():
    assert split_donors(anonymous([30.0]), spec=SPEC)["split"].to_list() == ["train"]


def test_cell_level_blocks_need_only_their_own_rows():
    cells = table([(None, 30.0, i % 3 > 0) for i in range(40)])
    manifest = split_donors(cells, spec=SPEC)
    whole = assign_cells(cells, manifest)
    parts = [assign_cells(cells[i : i + 8], manifest[i : i + 8]) for i in range(0, 40, 8)]
    assert_frame_equal(pl.concat(parts), whole)
    assert whole["split"].null_count() == 14


# --- assigning and describing


def test_assign_cells_keeps_order_and_leaves_cells_out():
    cells = table(
        [
            ("b", 20, True),
            ("a", 20, True),
            ("b", None, True),
            (None, 20, True),
            ("a", 20, False),
            ("b", 20, None),
        ]
    )
    manifest = split_donors(cells, spec=SPEC)
    side, fold = sides(manifest), dict(manifest.select("donor_id", "fold").iter_rows())
    assigned = assign_cells(cells, manifest)
    assert assigned.columns == ["cell_id", "split", "fold"]
    assert assigned["cell_id"].to_list() == cells["cell_id"].to_list()
    assert assigned["split"].to_list() == [side["b"], side["a"], None, "train", None, side["b"]]
    assert assigned["fold"].to_list() == [fold["b"], fold["a"], None, None, None, fold["b"]]


def test_assign_cells_keeps_non_primary_cells_when_the_spec_does():
    cells = table([("a", 20, False), ("b", 20, True)])
    manifest = split_donors(cells, spec=SplitSpec(non_primary="keep"))
    assert assign_cells(cells, manifest)["split"].null_count() == 0


def test_assign_cells_refuses_a_donor_the_manifest_does_not_know():
    manifest = split_donors(donors({"a": 2, "b": 2}), spec=SPEC)
    with pytest.raises(MissingInputError, match=r"no row for donor_id 'new' \(2 such cells"):
        assign_cells(donors({"a": 1, "new": 2}), manifest)


def test_describe_split_compares_the_sides():
    manifest = split_donors(table([("a", 20, True)] * 3 + [("b", 50, True)]), spec=SPEC)
    summary = describe_split(manifest)
    assert donors_in_test(manifest) == {"b"}
    assert (summary.n_cells, summary.n_train, summary.n_test, summary.test_share) == (4, 3, 1, 0.25)
    assert (summary.n_donors_train, summary.n_donors_test) == (1, 1)
    assert (summary.age_mean_train, summary.age_mean_test, summary.age_distance) == (20, 50, 30)


def test_age_distance_is_that_of_scipy():
    manifest = split_donors(many_donors(30), spec=SPEC)
    sides_ = [manifest.filter(split=s) for s in ("train", "test")]
    ages, weights = ([side[c] for side in sides_] for c in ("age_median", "n_eligible"))
    assert describe_split(manifest).age_distance == pytest.approx(wasserstein_distance(*ages, *weights))


# --- what holds for every table

cell = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "e", "f", "unknown", "pooled", None]),
    st.sampled_from([None, 20.0, 35.5, 60.0, 90.0]),
    st.sampled_from([True, True, False, None]),
)
tables = st.lists(cell, max_size=60).map(table)
specs = st.builds(
    SplitSpec,
    test_size=st.floats(0.01, 0.9),
    validation_size=st.sampled_from([0.0, 0.05]),
    seed=st.integers(-5, 2**70),
    non_primary=st.sampled_from(["drop", "keep"]),
    missing_age=st.sampled_from(["drop", "keep"]),
)
always = settings(derandomize=True, max_examples=40, deadline=None)


@always
@given(cells=tables, spec=specs)
def test_no_donor_is_on_both_sides_and_unknown_ones_never_in_test(cells, spec):
    manifest = split_donors(cells, spec=spec)
    assigned = assign_cells(cells, manifest).with_columns(cells["donor_id"])
    if (manifest["split_level"] == "donor").all():
        per_donor = assigned.drop_nulls("split").group_by("donor_id").agg(pl.col("split", "fold").n_unique())
        assert set(per_donor["split"]) | set(per_donor["fold"]) <= {1}
        assert not donors_in_test(manifest) & {"unknown", "pooled", None}


@always
@given(cells=tables, spec=specs)
def test_both_sides_have_cells_when_two_donors_can_be_told_apart(cells, spec):
    manifest = split_donors(cells, spec=spec)
    eligible = manifest.filter((pl.col("n_eligible") > 0) & pl.col("fold").is_not_null())
    sides_ = set(eligible["split"])
    assert sides_ == ({"train", "test"} if eligible.height >= 2 else {"train"} if eligible.height else set())


@always
@given(cells=tables, spec=specs, order=st.randoms(use_true_random=False))
def test_row_order_does_not_matter(cells, spec, order):
    rows = list(range(cells.height))
    order.shuffle(rows)
    keys = ["donor_id", "cell_id"]
    manifest, shuffled = (split_donors(c, spec=spec).sort(keys) for c in (cells, cells[rows]))
    assert_frame_equal(shuffled, manifest)


@always
@given(cells=tables, spec=specs, block=st.integers(1, 20))
def test_blocks_give_what_the_whole_table_gives(cells, spec, block):
    manifest = split_donors(cells, spec=spec)
    whole = assign_cells(cells, manifest)
    parts = [assign_cells(cells[i : i + block], manifest) for i in range(0, cells.height, block)]
    assert_frame_equal(pl.concat([whole[:0], *parts]), whole)


@always
@given(cells=tables, spec=specs)
def test_summary_manifest_and_cells_count_the_same(cells, spec):
    manifest = split_donors(cells, spec=spec)
    summary, assigned = describe_split(manifest), assign_cells(cells, manifest)
    n_left_out = summary.n_non_primary + summary.n_without_age
    assert summary.n_cells == cells.height == summary.n_eligible + n_left_out
    assert assigned["split"].null_count() == n_left_out
    assert (assigned["split"] == "test").sum() == summary.n_test
    if spec.non_primary == "drop":
        assert summary.n_non_primary == cells.filter(is_primary_data=False).height
