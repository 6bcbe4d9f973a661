"""What a leak costs, of a lake of real files."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from c2s_assets.core.leaks.inflation import log_normalised
from c2s_assets.storage.leaks import sampling
from c2s_assets.storage.leaks.published import read_inflation
from c2s_assets.storage.tables.expression import read_expression
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

TABLES = (
    *("raw_h5ad", "dataset_profile", "cell_metadata", "split_plan", "split_manifest", "feature_metadata"),
    *("cell_sentences", "train_test", "expression"),
)
SIZE = {"n_obs": 120, "n_donors": 12, "ages": (20, 30, 40, 50, 60)}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A lake: `counts` and `normalised` may be used, `macaque` is smaller, `unfinished` has no expression."""
    layout = make_lake(tmp_path_factory.mktemp("leak_inflation"))
    drop_toy_h5ad(layout, "counts", **SIZE)
    others = {"donor_id": [f"patient_{cell % 12}" for cell in range(120)]}
    drop_toy_h5ad(layout, "normalised", matrices="normalised X", seed=1, n_vars=30, obs=others, **SIZE)
    drop_toy_h5ad(layout, "macaque", uns={"organism": "Macaca mulatta"}, seed=2)
    drop_toy_h5ad(layout, "unfinished", seed=3)
    with open_workshop(layout) as workshop:
        for dataset_id in ("counts", "normalised", "macaque"):
            assert build_only(workshop, dataset_id, *TABLES).success
        assert build_only(workshop, "unfinished", *TABLES[:-1]).success
        yield workshop


def test_scores_are_written_and_the_check_has_the_figures(workshop: Workshop) -> None:
    job = workshop.definitions.resolve_job_def("measure_leaks")
    results = [job.execute_in_process(instance=workshop.instance) for _ in range(2)]
    checks = {check.check_name: check for check in results[0].get_asset_check_evaluations()}
    assert checks["keeps_schema"].passed
    assert not checks["reads_every_dataset"].passed
    assert "the first is unfinished" in str(checks["reads_every_dataset"].description)
    assert checks["random_split_is_not_better"].severity == dg.AssetCheckSeverity.WARN
    assert "age_cell_random" in checks["random_split_is_not_better"].metadata
    inflation = read_inflation(workshop.layout)
    assert inflation["n_donors"].unique().to_list() == [24]
    assert inflation["reason"].null_count() == 12
    # Ages and counts of the toy have nothing to do with each other, and donors leave no mark.
    assert inflation.filter(task="age")["score"].max() < 0.3
    shown, again = (one.asset_materializations_for_node("leak_inflation")[0].metadata for one in results)
    assert (shown["n_sampled"].value, shown["n_cells"].value) == (240, 300)
    assert shown["digest"] == again["digest"]


def test_expression_is_that_of_the_drawn_cells_by_feature_id(workshop: Workshop) -> None:
    """A gene that a dataset does not have is 0; only counts are normalised."""
    drawn = sampling.draw_sample(workshop.layout)
    assert (drawn.organism, drawn.n_datasets) == ("Homo sapiens", 3)
    assert drawn.sample.expression.shape == (240, 40)
    by_dataset = drawn.sample.rows["dataset_id"].to_numpy()
    totals = {}
    for dataset_id in ("counts", "normalised"):
        values = read_expression(dataset_id, lake=workshop.layout.root).X.toarray()
        expected = log_normalised(values) if dataset_id == "counts" else values
        found = drawn.sample.expression[by_dataset == dataset_id]
        # Genes are in another order, cells in that of their ids: sums of cells and of genes tell.
        totals[dataset_id] = found.sum(axis=1), expected.sum(axis=1)
        n_missing = 40 - expected.shape[1]
        genes = np.sort(np.concatenate([expected.sum(axis=0), np.zeros(n_missing)]))
        assert np.sort(found.sum(axis=0)) == pytest.approx(genes, rel=1e-4)
    for found, expected in totals.values():
        assert found == pytest.approx(expected, rel=1e-4)


def test_a_sample_is_balanced_over_donors_and_the_same_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "MOST_CELLS", 100)
    drawn = sampling.draw_sample(workshop.layout).sample
    assert drawn.rows.group_by("person").len()["len"].to_list() == [4] * 24
    again = sampling.draw_sample(workshop.layout).sample
    assert again.rows.equals(drawn.rows)
    assert np.array_equal(again.expression, drawn.expression)


def test_an_empty_lake_gives_reasons(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    with open_workshop(layout) as workshop:
        job = workshop.definitions.resolve_job_def("measure_leaks")
        assert job.execute_in_process(instance=workshop.instance).success
    assert read_inflation(layout).select(pl.col("reason").is_not_null().all()).item()
