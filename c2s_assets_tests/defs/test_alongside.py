"""`Materialize all` of the UI takes what all datasets share along, and yet needs no network."""

from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.tables import GeneSymbols
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.tables.parquet import write_table
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.toy import make_lake

SHARED = ["gene_symbols", "cellxgene_listing"]


def test_what_is_shared_stays_as_it_is_where_a_dataset_is_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:  # whose networks are not there
        built = build_only(workshop, "toy", *SHARED, "raw_h5ad", "dataset_profile", "cell_metadata")
        assert built.success
        assert layout.table("cell_metadata", "toy").exists()
        assert not layout.gene_symbols.exists()
        assert not layout.listing.exists()
        kept = _materialization(built, "gene_symbols")
        assert "Materialize this asset alone to fetch it" in str(kept.metadata["kept"].value)


def test_symbols_that_are_there_are_the_same_as_before(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    layout.gene_symbols.parent.mkdir(parents=True)
    schema = arrow_schema(GeneSymbols)
    write_table(layout.gene_symbols, pl.DataFrame(schema.empty_table()), schema=schema)
    with open_workshop(layout) as workshop:
        built = build_only(workshop, "toy", "gene_symbols", "raw_h5ad")
        tags = _materialization(built, "gene_symbols").tags or {}
    assert tags["dagster/data_version"] == tree_digest(layout.gene_symbols)


def test_no_check_is_reported_of_what_was_not_looked_at(tmp_path: Path) -> None:
    """Dagster fails a step without an output for each check, and an output alone is no result."""
    with open_workshop(make_lake(tmp_path, "toy")) as workshop:
        built = build_only(workshop, "toy", *SHARED, "raw_h5ad")
        checked = {check.asset_key.to_user_string() for check in built.get_asset_check_evaluations()}
    assert built.success
    assert checked == {"raw_h5ad"}


def test_alone_they_are_fetched(tmp_path: Path) -> None:
    # An address that is refused at once, where one that is not there is tried again.
    with open_workshop(make_lake(tmp_path), hgnc_url="ftp://127.0.0.1/hgnc.txt") as workshop:
        assert not _alone(workshop, tags={}).success
        # One of the runs into which a backfill of everything is divided.
        assert _alone(workshop, tags={"dagster/backfill": "abc"}).success


def _alone(workshop: Workshop, *, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    job = workshop.definitions.resolve_implicit_global_asset_job_def()
    return job.get_subset(asset_selection={dg.AssetKey("gene_symbols")}).execute_in_process(
        instance=workshop.instance, raise_on_error=False, tags=tags
    )


def _materialization(built: dg.ExecuteInProcessResult, asset: str) -> dg.AssetMaterialization:
    (found,) = (
        event for event in built.get_asset_materialization_events() if event.asset_key == dg.AssetKey(asset)
    )
    return found.materialization
