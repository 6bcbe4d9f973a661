"""Fingerprints of files: the same however the counts are stored, none without counts; and what they find."""

from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import dagster as dg
import polars as pl
import pytest

from c2s_assets.core.leaks.columns import BANDS, EXACT
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.tables import GeneSymbols
from c2s_assets.storage.leaks.published import read_aliases, read_copies
from c2s_assets.storage.tables.parquet import with_metadata, write_table
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

BEFORE = ("raw_h5ad", "dataset_profile", "cell_metadata")
FINGERPRINTS = "cell_fingerprints"
# A cell of 800 features expresses about 200 of them.
SIZE = {"n_obs": 20, "n_vars": 800}


@pytest.mark.parametrize(
    "options",
    [
        {"matrices": "counts in X", "encoding": "dense"},
        {"matrices": "counts in X", "encoding": "csc", "dtype": "int64"},
        {"matrices": "layers/counts", "dtype": "float64", "compression": None},
    ],
    ids=["dense", "integers by column", "layer"],
)
def test_fingerprints_are_those_of_the_counts_wherever_and_however_they_are_stored(
    tmp_path: Path, options: dict[str, str]
) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "one", **SIZE)
    drop_toy_h5ad(layout, "two", **SIZE, **options)
    with open_workshop(layout) as workshop:
        for dataset_id in ("one", "two"):
            assert build_only(workshop, dataset_id, *BEFORE, FINGERPRINTS).success
        one, two = (workshop.read(FINGERPRINTS, dataset_id) for dataset_id in ("one", "two"))
    assert one["bands"].null_count() == 0
    assert one["exact_1"].n_unique() == one.height
    assert one.equals(two)


def test_blocks_of_any_size_give_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for rows_per_block in (3, 1024):
        layout = make_lake(tmp_path / str(rows_per_block))
        drop_toy_h5ad(layout, "toy", **SIZE)
        with open_workshop(layout, rows_per_block=rows_per_block) as workshop:
            assert build_only(workshop, "toy", *BEFORE, FINGERPRINTS).success
        written.append(layout.table(FINGERPRINTS, "toy").read_bytes())
    assert written[0] == written[1]


def test_without_counts_there_are_rows_without_hashes_and_a_warning(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", matrices="normalised X", **SIZE)
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "toy", *BEFORE, FINGERPRINTS)
        assert result.success
        found = {check.check_name: check for check in result.get_asset_check_evaluations()}
        table = workshop.read(FINGERPRINTS, "toy")
    assert table["cell_id"].to_list() == [f"cell_{row:04d}" for row in range(20)]
    assert table.select(pl.col(*EXACT, BANDS).null_count()).row(0) == (20, 20, 20)
    assert not found["cells_have_counts"].passed
    assert "X holds normalised values" in str(found["cells_have_counts"].description)
    assert found["rows_match_cells"].passed


def test_features_are_counted_in_the_pass_for_fingerprints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the matrix is most of what a small table costs: it is not read a second time."""
    layout = make_lake(tmp_path, "toy", "alone")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "alone", *BEFORE, "feature_metadata").success
        assert build_only(workshop, "toy", *BEFORE, FINGERPRINTS).success
        assert layout.feature_summary("toy").exists()
        with monkeypatch.context() as patched:
            patched.setattr("c2s_assets.defs.assets.ingest.read_blocks", _read_nothing)
            assert build_only(workshop, "toy", "feature_metadata").success
        together, alone = (workshop.read("feature_metadata", dataset_id) for dataset_id in ("toy", "alone"))
    assert together.equals(alone)
    assert not layout.feature_summary("toy").exists()


def test_figures_of_another_matrix_are_not_taken(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "toy", *BEFORE, FINGERPRINTS).success
        drop_toy_h5ad(layout, "toy", seed=1)
        assert build_only(workshop, "toy", *BEFORE, "feature_metadata").success
        drop_toy_h5ad(layout, "alone", seed=1)
        assert build_only(workshop, "alone", *BEFORE, "feature_metadata").success
        features, alone = (workshop.read("feature_metadata", dataset_id) for dataset_id in ("toy", "alone"))
    assert features.equals(alone)


def test_nothing_is_counted_for_features_whose_cells_are_not_chosen_yet(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    layout.settings.write_text("projections: {fit_scope: train}\n")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "toy", *BEFORE, FINGERPRINTS).success
    assert not layout.feature_summary("toy").exists()


def _read_nothing(*_: object, **__: object) -> Iterator[None]:
    yield from ()
    raise AssertionError("the matrix is read again")


def test_aliases_of_real_files_are_found_and_told_of(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "study", **SIZE)
    renamed = {"donor_id": [f"P{row % 4}" for row in range(20)], "is_primary_data": False}
    drop_toy_h5ad(layout, "atlas", obs=renamed, matrices="layers/counts", **SIZE)
    with open_workshop(layout) as workshop:
        for dataset_id in ("study", "atlas"):
            assert build_only(workshop, dataset_id, *BEFORE, FINGERPRINTS).success
        results = [_renew(workshop) for _ in range(2)]
    checks = {check.check_name: check.passed for check in results[0].get_asset_check_evaluations()}
    assert checks == {
        "keeps_schema": True,
        "reads_every_dataset": True,
        "genes_go_by_ids": True,
        "donors_have_one_name": False,
        "copies_have_a_primary": True,
    }
    aliases = read_aliases(layout)
    assert aliases["is_same_person"].to_list() == [True] * 4
    assert aliases["n_exact"].to_list() == [5] * 4
    assert read_copies(layout, "atlas")["has_primary"].all()
    shown, again = (one.asset_materializations_for_node("donor_aliases")[0].metadata for one in results)
    assert shown["dagster/row_count"].value == shown["n_same_person"].value == 4
    assert (shown["n_compared_anew"].value, again["n_compared_anew"].value) == (1, 0)
    assert shown["digest"] == again["digest"]


def test_a_study_that_names_genes_by_symbols_is_compared_with_one_that_has_ids(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "study", **SIZE)
    renamed = {"donor_id": [f"P{row % 4}" for row in range(20)]}
    by_symbols = ad.read_h5ad(
        path := drop_toy_h5ad(layout, "atlas", obs=renamed, matrices="counts in X", **SIZE)
    )
    ids, symbols = by_symbols.var_names, by_symbols.var.pop("feature_name")
    by_symbols.var_names = symbols
    by_symbols.write_h5ad(path)
    known = pl.DataFrame({"feature_id": list(ids), "symbol": list(symbols)}).with_columns(
        pl.lit([], pl.List(pl.String)).alias("previous_symbols"),
        pl.lit([], pl.List(pl.String)).alias("alias_symbols"),
        pl.format("HGNC:{}", pl.int_range(pl.len())).alias("hgnc_id"),
    )
    schema = with_metadata(arrow_schema(GeneSymbols), {"version": "1"})
    write_table(layout.gene_symbols, known, schema=schema)
    with open_workshop(layout) as workshop:
        for dataset_id in ("study", "atlas"):
            assert build_only(workshop, dataset_id, *BEFORE, FINGERPRINTS).success
        _renew(workshop)
    assert read_aliases(layout)["n_exact"].to_list() == [5] * 4


def _renew(workshop: Workshop) -> dg.ExecuteInProcessResult:
    job = workshop.definitions.resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection={dg.AssetKey("donor_aliases")})
    return alone.execute_in_process(instance=workshop.instance)
