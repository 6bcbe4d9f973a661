"""A dataset as an atlas: the files that people know, made of the lake's own, and what a change sends."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from c2s_assets.defs.automation.releases import daily_releases
from c2s_assets.defs.resources import Store
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.atlas import verify_atlas
from c2s_assets.storage.releases.linting import lint_release
from c2s_assets.storage.releases.staged import read_release
from c2s_assets.storage.tables.parquet import read_table
from c2s_assets_tests.atlas import make_atlas
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.clients.publishing import contents, hub_to_write
from c2s_assets_tests.defs.building import Workshop, copy_lake
from c2s_assets_tests.hub import LocalHub

PER_CELL = ("expression", "sample_metadata", "projection_X_pca", "projection_X_tsne", "projection_X_umap")
FILES = {
    *(f"skm_10x_{table}.parquet" for table in (*PER_CELL, "feature_metadata")),
    *("skm_10x_unstructured_metadata.json", "skm_10x_expression_matrix/part-00000.parquet"),
    *("detailed_structure.json", "validation_report.json", "README.md", "LICENSE", "_release.json"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_atlas(tmp_path_factory)
    said = c2s("release", "muscle", lake=layout.root)
    assert said.status == 0, said.err
    return layout


@pytest.fixture
def layout(built: Layout, tmp_path: Path) -> Layout:
    """A lake that a test may change."""
    return copy_lake(built, tmp_path)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with hub_to_write(tmp_path / "hub", monkeypatch) as hub:
        yield hub


def test_files_have_the_names_that_people_know_and_are_those_of_the_lake(built: Layout) -> None:
    folder = built.release("muscle")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == FILES
    lake = built.dataset("muscle")
    same = {
        "skm_10x_sample_metadata.parquet": "cell_metadata.parquet",
        "skm_10x_projection_X_umap.parquet": "projections/X_umap.parquet",
        "skm_10x_expression_matrix/part-00000.parquet": "expression_matrix/part-00000.parquet",
    }
    for name, source in same.items():
        assert (folder / name).samefile(lake / source), "a hard link"
    structure, profile = (
        json.loads(path.read_text()) for path in (folder / "detailed_structure.json", lake / "profile.json")
    )
    stated = {"title": "Muscle | ageing", "licence": "CC BY 4.0"}
    assert structure == {**profile, "origin": {**profile["origin"], **stated}}
    assert profile["origin"]["licence"] is None, "what datasets.yaml states is in no table of the lake"
    assert json.loads((folder / "skm_10x_unstructured_metadata.json").read_text())["neighbors"] == {"n": 15}


def test_expression_is_that_of_the_lake_in_one_row_group_for_each_part(built: Layout) -> None:
    path = built.release("muscle") / "skm_10x_expression.parquet"
    assert pl.read_parquet(path).equals(read_table(built.parts("expression", "muscle")))
    assert pq.read_metadata(path).num_row_groups == 1


def test_what_the_card_says_of_files_is_true_and_its_code_reads_them(built: Layout) -> None:
    folder = built.release("muscle")
    _, head, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    says = yaml.safe_load(head)
    assert (says["license"], says["pretty_name"]) == ("cc-by-4.0", "Muscle | ageing")
    assert {one["config_name"] for one in says["configs"]} == {*PER_CELL, "feature_metadata"}
    assert [one["config_name"] for one in says["configs"] if one.get("default")] == ["sample_metadata"]
    for path, n_rows, n_columns in re.findall(r"^\| `(\S+parquet)` \| (\d+) \| (\d+) \|", text, re.MULTILINE):
        assert pl.read_parquet(folder / path).shape == (int(n_rows), int(n_columns))
    assert "| `skm_10x_unstructured_metadata.json` |  |  | What the source says beside" in text
    assert (
        "| `skm_10x_projection_X_umap.parquet` | 60 | 3 | One row per cell: its coordinates in `X_umap`. |"
        in text
    )
    _, reading, sparse, wide = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    local = reading.replace('snapshot_download("me/muscle", repo_type="dataset")', repr(str(folder)))
    found: dict[str, object] = {}
    exec(local + sparse + wide, found)  # noqa: S102 - what the card tells its readers to run
    matrix = pl.read_parquet(folder / "skm_10x_expression_matrix/*.parquet").drop("cell_id").to_numpy()
    assert np.array_equal(found["expression"].toarray(), matrix)  # type: ignore[attr-defined]
    assert found["wide"].columns.tolist() == ["cell_id", "GENE1"]  # type: ignore[attr-defined]
    assert (folder / "LICENSE").read_text(encoding="utf-8").splitlines()[:2] == [
        "Muscle | ageing is published under the licence CC BY 4.0.",
        "Its text: https://creativecommons.org/licenses/by/4.0/",
    ]


@pytest.mark.slow
def test_each_config_loads_as_the_table_that_it_is(built: Layout, tmp_path: Path) -> None:
    from datasets import load_dataset

    folder = built.release("muscle")
    for table in (*PER_CELL, "feature_metadata"):
        loaded = load_dataset(str(folder), table, split="train", cache_dir=str(tmp_path / "cache"))
        expected = pl.read_parquet(folder / f"skm_10x_{table}.parquet")
        assert pl.DataFrame(loaded.with_format("arrow")[:]).equals(expected), table


def test_an_atlas_is_published_and_a_change_of_its_title_sends_the_card_alone(
    layout: Layout, hub: LocalHub
) -> None:
    assert "version 1.0" in c2s("publish", "muscle", lake=layout.root, hub=hub.url).out
    assert contents(hub.repo("me/muscle")).keys() == FILES - {"_release.json"}
    n_sent = hub.n_sent.copy()
    expression = (layout.release("muscle") / "skm_10x_expression.parquet").stat().st_ino
    settings = layout.settings.read_text(encoding="utf-8").replace("prefix:", "title: Muscle, prefix:")
    layout.settings.write_text(settings, encoding="utf-8")
    assert "staged, in" in c2s("release", "muscle", lake=layout.root).out
    assert (layout.release("muscle") / "skm_10x_expression.parquet").stat().st_ino == expression
    assert "version 1.1" in c2s("publish", "muscle", lake=layout.root, hub=hub.url).out
    assert hub.n_sent == n_sent, "no table was sent again"
    assert "as it was" in c2s("release", "muscle", lake=layout.root).out
    assert "nothing has changed" in c2s("publish", "muscle", lake=layout.root, hub=hub.url).out


def test_a_release_that_follows_is_staged_and_published_by_its_schedule(
    layout: Layout, hub: LocalHub
) -> None:
    settings = layout.settings.read_text(encoding="utf-8").replace("prefix:", "follow: publish, prefix:")
    layout.settings.write_text(settings, encoding="utf-8")
    day = datetime(2026, 1, 2, 6, tzinfo=UTC)
    with dg.instance_for_test() as instance:
        workshop = Workshop(layout, instance, hub_url=hub.url)
        instance.add_dynamic_partitions("releases", ["muscle"])
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=day)
        requests = daily_releases(context, store=Store(root=str(layout.root)))
        assert isinstance(requests, list)
        (request,) = requests
        job = workshop.definitions.resolve_job_def("follow_release")
        result = job.execute_in_process(
            instance=instance,
            partition_key=request.partition_key,
            asset_selection=list(request.asset_selection or []),
            run_config=request.run_config,
        )
    assert result.success
    assert {step.step_key for step in result.get_step_success_events()} == {"atlas_release", "hub_dataset"}
    assert hub.repo("me/muscle").tags.keys() == {"1.0"}


def test_tables_that_do_not_go_together_are_found(layout: Layout) -> None:
    folder, entry = layout.release("muscle"), read_settings(layout).releases["muscle"]
    assert all(finding.holds for finding in verify_atlas(folder, layout, entry))
    for name in ("projection_X_umap", "expression"):
        path = folder / f"skm_10x_{name}.parquet"
        rows = pl.read_parquet(path).reverse()
        path.unlink()
        rows.write_parquet(path)
    said = {finding.claim: finding for finding in verify_atlas(folder, layout, entry)}
    assert "what was written is not the source's in lengths" in said["matches_source"].message
    assert "expression.parquet does not hold the cells of skm_10x_sample" in said["rows_match_cells"].message


def test_a_document_that_says_whom_to_contact_is_refused_and_a_wide_table_beside_configs_is_not(
    layout: Layout,
) -> None:
    folder, document = layout.release("muscle"), read_release(layout, "muscle")
    assert document is not None
    names = [f"GENE{number}" for number in range(29_400)]
    wide = folder / "skm_10x_expression_matrix" / "part-00000.parquet"
    wide.unlink()
    pq.write_table(pa.table([pa.array([1.0], pa.float32())] * len(names), names=names), wide)
    (folder / "detailed_structure.json").unlink()
    (folder / "detailed_structure.json").write_text('{"contact_name": "Ada Doe"}', encoding="utf-8")
    said = {finding.claim: finding for finding in lint_release(folder, document, counted={}, last=None)}
    assert "detailed_structure.json: it holds whom to contact" in said["names_nobody"].message
    assert said["keeps_limits_of_hub"].holds


def test_what_is_no_atlas_is_told(layout: Layout) -> None:
    settings = layout.settings.read_text(encoding="utf-8")
    layout.settings.write_text(settings.replace("datasets: muscle,", "datasets: [a, b],"), encoding="utf-8")
    said = c2s("release", "muscle", lake=layout.root)
    assert "an atlas is of one dataset, and datasets names 2" in said.err
    layout.settings.write_text(settings.replace("kind: atlas", "kind: corpus"), encoding="utf-8")
    assert "prefix and wide are of an atlas" in c2s("release", "muscle", lake=layout.root).err
