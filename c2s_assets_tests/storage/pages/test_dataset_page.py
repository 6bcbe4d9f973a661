"""The page on a dataset, of tables that a build wrote."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

TYPE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A lake with a dataset whose texts are markup, built, and one of which only the cells are."""
    layout = make_lake(tmp_path_factory.mktemp("pages"))
    drop_toy_h5ad(
        layout, "toy", obs={"cell_type": [TYPE, "B cell"] * 30}, uns={"title": "A <b>bold</b> atlas"}
    )
    drop_toy_h5ad(layout, "begun")
    with open_workshop(layout) as workshop:
        assert workshop.build("toy").succeeded
        assert build_only(workshop, "begun", "raw_h5ad", "validation_report").success is False
        yield workshop


@pytest.fixture(scope="module")
def page(workshop: Workshop) -> str:
    return workshop.layout.dataset_page("toy").read_text(encoding="utf-8")


def test_it_says_what_the_dataset_holds_and_how_to_load_it(page: str) -> None:
    for said in (
        "UMAP by age",
        "UMAP by cell_type",
        "Cells per cell_type",
        "Cells per donor that are used",
        "Ages",
        "Words and ties",
        "cell_sentences",
        "no_donor_in_both_splits",
        "All cells of a donor are on one side.",
        "donor_0",
        "pl.scan_parquet(&#x27;datasets/toy/train&#x27;)",
    ):
        assert said in page, said


def test_no_text_of_the_source_is_markup(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<h1>A &lt;b&gt;bold&lt;/b&gt; atlas</h1>" in page


def test_it_is_small_and_names_nothing_of_this_machine(workshop: Workshop, page: str) -> None:
    assert len(page) < 200_000
    assert str(workshop.layout.root) not in page
    assert "src=" not in page
    assert "href=" not in page


def test_it_is_the_same_for_the_same_dataset(workshop: Workshop, page: str) -> None:
    assert build_only(workshop, "toy", "validation_report").success
    assert workshop.layout.dataset_page("toy").read_text(encoding="utf-8") == page


def test_a_dataset_that_is_not_whole_has_a_page_too(workshop: Workshop) -> None:
    page = workshop.layout.dataset_page("begun").read_text(encoding="utf-8")
    assert "it was not built yet" in page
    assert "No result: the asset is not built." in page


def test_it_can_be_taken_along(workshop: Workshop, page: str, tmp_path: Path) -> None:
    lake = workshop.layout.root
    said = c2s("show", "toy", "--html", tmp_path / "toy.html", lake=lake)
    assert said.status == 0, said.err
    assert (tmp_path / "toy.html").read_text(encoding="utf-8") == page
    assert "cannot be written" in c2s("show", "toy", "--html", tmp_path / "no" / "x.html", lake=lake).err


def test_one_that_is_not_written_is_not_taken_along(workshop: Workshop, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(workshop.layout.root, lake)
    (lake / "datasets" / "toy" / "report.html").unlink()
    said = c2s("show", "toy", "--html", tmp_path / "toy.html", lake=lake)
    assert said.status == 1
    assert "validation_report is missing: datasets/toy/report.html is gone" in said.err


def test_the_page_of_a_file_that_was_refused_says_why(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    layout.inbox_h5ad("broken").write_text("no h5ad")
    assert c2s("build", "broken", lake=layout.root).status == 1
    said = c2s("show", "broken", "--html", tmp_path / "broken.html", lake=layout.root)
    assert said.status == 0, said.err
    assert "is a text that begins with" in (tmp_path / "broken.html").read_text()
