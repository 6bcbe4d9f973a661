"""`c2s release` and `c2s publish`: from a lake to a repository of the Hub, and what a change of it sends."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import snapshot_download

import c2s_assets
from c2s_assets.core.splits.certificate import CERTIFICATE, CERTIFIED_MANIFEST
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.discover import ListingHistory
from c2s_assets.schemas.releases import RELEASE_DOCUMENT
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.clients.publishing import contents, hub_to_write
from c2s_assets_tests.corpus import make_corpus
from c2s_assets_tests.defs.building import build_only, copy_lake, open_workshop
from c2s_assets_tests.hub import WRITER, LocalHub
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad

KEY = ["dataset_id", "cell_id"]
RELEASES = """
releases:
  corpus: {repo_id: me/corpus, licence: CC BY 4.0, licence_of_sources: CC BY 4.0, title: Three organs}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_corpus(tmp_path_factory)
    with layout.settings.open("a", encoding="utf-8") as file:
        file.write(RELEASES)
    return layout


@pytest.fixture
def layout(built: Layout, tmp_path: Path) -> Layout:
    """A lake that a test may change."""
    return copy_lake(built, tmp_path)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with hub_to_write(tmp_path / "hub", monkeypatch) as hub:
        yield hub


def run(layout: Layout, hub: LocalHub, *arguments: str) -> str:
    said = c2s(*arguments, lake=layout.root, hub=hub.url)
    assert said.status == 0, said.err
    assert "%|" not in said.err, "bars are for terminals"
    return said.out


def withdraw(layout: Layout, dataset_id: str) -> None:
    """Let Discover have withdrawn a dataset."""
    row = (dataset_id, "withdrawn", None, "1", None, date(2026, 1, 1))
    history = pl.DataFrame([row], schema=frame_schema(ListingHistory), orient="row")
    layout.listing_history.parent.mkdir(exist_ok=True)
    history.write_parquet(layout.listing_history)


def links(folder: Path) -> dict[str, int]:
    """Which file of the disk each name of a release means."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_ino for path in folder.rglob("chunk_*.parquet")
    }


def test_a_lake_becomes_a_repository_whose_files_hold_the_training_table(
    layout: Layout, hub: LocalHub
) -> None:
    said = run(layout, hub, "release", "corpus")
    assert "3 datasets, " in said
    assert "split plan 1.0" in said
    folder = layout.release("corpus")
    rows = pl.read_parquet(folder / "*/*/chunk_*.parquet").sort(KEY)
    assert rows.equals(c2s_assets.open_lake(layout.root).training().collect().sort(KEY))
    schemas = {pq.read_schema(path).remove_metadata() for path in folder.glob("*/*/*.parquet")}
    assert len(schemas) == 1
    assert c2s("verify-split", folder, lake="no/lake").out.endswith("nothing found\n")

    planned = run(layout, hub, "publish", "corpus", "--dry-run")
    assert "added    blood" in planned
    assert "files would change in" in planned
    assert "create" not in hub.n_requests

    published = run(layout, hub, "publish", "corpus")
    assert "corpus: published as version 1.0" in published
    assert f"{hub.url}/datasets/me/corpus" in published
    repo = hub.repo("me/corpus")
    staged = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != RELEASE_DOCUMENT
    }
    assert contents(repo) == staged
    assert {CERTIFICATE, CERTIFIED_MANIFEST, "README.md", "blood/train/chunk_0000.parquet"} <= staged.keys()


def test_the_card_lists_all_datasets_and_each_with_the_sides_that_have_rows(
    layout: Layout, hub: LocalHub
) -> None:
    run(layout, hub, "release", "corpus")
    folder = layout.release("corpus")
    _, head, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    says = yaml.safe_load(head)
    assert (says["license"], says["pretty_name"]) == ("cc-by-4.0", "Three organs")
    assert [config["config_name"] for config in says["configs"]] == [
        *("blood", "lung", "mouse", "sources", "vocabulary", "split_manifest", "all")
    ]
    assert [config["config_name"] for config in says["configs"] if config.get("default")] == ["all"]
    for config in says["configs"]:
        for one in config["data_files"]:
            assert list(folder.glob(one["path"])), f"{one} means no file"
    listed = {
        path
        for config in says["configs"][:-1]
        for one in config["data_files"]
        for path in folder.glob(one["path"])
    }
    assert listed == set(folder.rglob("*.parquet"))
    assert "those of split plan 1.0" in text


def test_a_release_that_is_as_it_was_is_neither_written_nor_sent_again(layout: Layout, hub: LocalHub) -> None:
    run(layout, hub, "release", "corpus")
    run(layout, hub, "publish", "corpus")
    document = layout.release("corpus") / RELEASE_DOCUMENT
    written = document.stat().st_ino
    hub.n_requests.clear()
    assert "corpus: as it was" in run(layout, hub, "release", "corpus")
    assert document.stat().st_ino == written
    assert "nothing has changed since version 1.0" in run(layout, hub, "publish", "corpus")
    assert "me/corpus holds this already" in run(layout, hub, "publish", "corpus", "--dry-run")
    assert not {"commit", "open pull", "tag"} & hub.n_requests.keys()


def test_who_downloads_the_repository_reads_it_as_published_corpora_are_read_and_checks_its_split(
    layout: Layout, hub: LocalHub, tmp_path: Path
) -> None:
    run(layout, hub, "release", "corpus")
    run(layout, hub, "publish", "corpus")
    copy = snapshot_download(
        "me/corpus", repo_type="dataset", local_dir=tmp_path / "copy", endpoint=hub.url, token=WRITER
    )
    training = c2s_assets.open_lake(layout.root).training().collect()
    for dataset_id in ("blood", "lung"):
        train = pl.scan_parquet(f"{copy}/{dataset_id}/train/chunk_*.parquet").collect().sort(KEY)
        assert train.equals(training.filter(dataset_id=dataset_id, split="train").sort(KEY))
    said = c2s("verify-split", copy, lake="no/lake")
    assert (said.status, said.out.endswith("nothing found\n")) == (0, True)


def test_a_changed_dataset_alone_is_written_and_sent_and_one_that_is_withdrawn_disappears(
    layout: Layout, hub: LocalHub
) -> None:
    run(layout, hub, "release", "corpus")
    run(layout, hub, "publish", "corpus")
    before, n_sent = links(layout.release("corpus")), hub.n_sent.copy()
    withdraw(layout, "mouse")
    drop_toy_h5ad(layout, "blood", seed=7, n_axes=EMBEDDINGS)
    tables = ("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest")
    with open_workshop(layout) as workshop:
        assert build_only(
            workshop, "blood", *tables, "feature_metadata", "cell_sentences", "train_test"
        ).success
    run(layout, hub, "release", "corpus")
    after = links(layout.release("corpus"))
    assert {name for name in after if before.get(name) == after[name]} == {
        name for name in before if name.startswith("lung/")
    }, "hard links of what is as it was"
    run(layout, hub, "publish", "corpus")
    repo = hub.repo("me/corpus")
    assert {path.partition("/")[0] for path in repo.files() if "/" in path} == {"_images", "blood", "lung"}
    new = {entry.oid for path, entry in repo.files().items() if entry.is_large and entry.oid not in n_sent}
    changed = [path for path, entry in repo.files().items() if entry.oid in new]
    assert {path.partition("/")[0] for path in changed} == {
        *("blood", "sources.parquet", "vocabulary.parquet", CERTIFIED_MANIFEST)
    }
    assert set(repo.tags) == {"1.0", "1.1"}


def test_a_release_without_a_licence_is_staged_with_a_note_and_not_published(
    layout: Layout, hub: LocalHub
) -> None:
    settings = layout.settings.read_text(encoding="utf-8").replace(
        "licence: CC BY 4.0, licence_of_sources: CC BY 4.0, ", ""
    )
    layout.settings.write_text(settings, encoding="utf-8")
    staged = c2s("release", "corpus", lake=layout.root, hub=hub.url)
    assert (staged.status, "note corpus_release/licence_is_stated" in staged.err) == (0, True)
    said = c2s("publish", "corpus", lake=layout.root, hub=hub.url)
    assert said.status == 1
    assert "release corpus: licence_is_stated: Nobody may use data without a licence" in said.err
    assert "releases: {corpus: {licence: CC BY 4.0}}" in said.err
    assert not hub.n_requests


def test_what_was_not_staged_or_not_described_is_told_with_the_way_to_it(
    layout: Layout, hub: LocalHub
) -> None:
    said = c2s("publish", "corpus", "--dry-run", lake=layout.root, hub=hub.url)
    assert (said.status, "Stage it first: c2s release corpus." in said.err) == (1, True)
    said = c2s("release", "corpvs", lake=layout.root, hub=hub.url)
    assert (said.status, "no release 'corpvs' (is 'corpus' meant?)" in said.err) == (1, True)


def test_a_dataset_that_is_outdated_is_not_released(layout: Layout, hub: LocalHub) -> None:
    settings = layout.settings.read_text(encoding="utf-8").replace("sentences: {", "sentences: {top_n: 5, ")
    layout.settings.write_text(settings, encoding="utf-8")
    said = c2s("release", "corpus", lake=layout.root, hub=hub.url)
    assert said.status == 1
    assert "3 of 3 datasets are not ready." in said.err
    assert not layout.release("corpus").exists()


def test_a_disk_that_is_full_while_staging_leaves_the_last_release(
    layout: Layout, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(layout, hub, "release", "corpus")
    before = {path: path.stat().st_ino for path in layout.release("corpus").rglob("*")}
    settings = layout.settings.read_text(encoding="utf-8").replace("Three organs", "Another title")
    layout.settings.write_text(settings, encoding="utf-8")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("c2s_assets.storage.releases.corpus.write_document", full)
    said = c2s("release", "corpus", lake=layout.root, hub=hub.url)
    assert said.status == 1
    assert "there is no room left" in said.err
    assert {path: path.stat().st_ino for path in layout.release("corpus").rglob("*")} == before
    assert not list(layout.staging.glob("release-*~*"))


def test_the_token_is_in_no_file_of_the_lake(layout: Layout, hub: LocalHub) -> None:
    """Neither in the release nor in what Dagster keeps of its runs."""
    run(layout, hub, "release", "corpus")
    run(layout, hub, "publish", "corpus")
    files = [path for path in layout.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.suffix == ".db" for path in files)
    assert not [path for path in files if WRITER.encode() in path.read_bytes()]
    assert os.environ["HF_TOKEN"] == WRITER
