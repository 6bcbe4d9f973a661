from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.errors import InvalidDatasetIdError
from c2s_assets.storage.lake.layout import Layout

LAKE = Layout(Path("/no/such/lake"))

METHODS = {
    "inbox_h5ad": LAKE.inbox_h5ad,
    "inbox_note": LAKE.inbox_note,
    "raw_h5ad": LAKE.raw_h5ad,
    "raw_provenance": LAKE.raw_provenance,
    "dataset": LAKE.dataset,
    "profile": LAKE.profile,
    "unstructured_metadata": LAKE.unstructured_metadata,
    "table": lambda dataset_id: LAKE.table("cell_metadata", dataset_id),
    "cell_copies": LAKE.cell_copies,
    "parts": lambda dataset_id: LAKE.parts("train", dataset_id),
}

HOSTILE_IDS = {
    "empty": "",
    "parent": "..",
    "climbs": "../../x",
    "climbs inside": "a/../../../etc/passwd",
    "absolute": "/etc/passwd",
    "backslash": "..\\x",
    "hidden": ".ssh",
    "option": "-rf",
    "two dots": "a..b",
    "NUL": "a\0b",
    "newline": "a\n",
    "space": "a b",
    "tilde": "a~b",
    "glob": "a*",
    "not ASCII": "donnée",
    "500 characters": "a" * 500,
}


@pytest.mark.parametrize("dataset_id", HOSTILE_IDS.values(), ids=HOSTILE_IDS.keys())
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_no_path_is_made_of_a_hostile_id(method, dataset_id):
    with pytest.raises(InvalidDatasetIdError):
        method(dataset_id)


@given(dataset_id=st.text(max_size=20) | st.text("./a~\\\0\n", max_size=6))
@settings(derandomize=True, max_examples=200)
def test_a_path_is_below_the_lake_or_not_made(dataset_id):
    for method in METHODS.values():
        try:
            path = method(dataset_id)
        except InvalidDatasetIdError:
            continue
        assert path.resolve().is_relative_to(LAKE.root)
        assert path != LAKE.root
        assert dataset_id in str(path)


def test_paths_are_those_of_the_design():
    assert [str(method("a").relative_to(LAKE.root)) for method in METHODS.values()] == [
        "inbox/a.h5ad",
        "inbox/a.json",
        "raw/a.h5ad",
        "raw/a.json",
        "datasets/a",
        "datasets/a/profile.json",
        "datasets/a/unstructured_metadata.json",
        "datasets/a/cell_metadata.parquet",
        "catalogue/cell_copies/a.parquet",
        "datasets/a/train",
    ]


LINKS = {
    "inbox": "inbox_h5ad",
    "inbox/a.h5ad": "inbox_h5ad",
    "inbox/a.json": "inbox_note",
    "raw": "raw_h5ad",
    "raw/a.json": "raw_provenance",
    "datasets": "dataset",
    "datasets/a": "profile",
    "datasets/a/profile.json": "profile",
}


@pytest.mark.parametrize(("link", "method"), LINKS.items(), ids=LINKS.keys())
def test_a_link_in_the_lake_that_leads_out_is_not_followed(tmp_path, link, method):
    (tmp_path / "outside").mkdir()
    place = tmp_path / "lake" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidDatasetIdError, match=f"{place} is a symbolic link, to .*outside"):
        getattr(Layout(tmp_path / "lake"), method)("a")


def test_a_link_to_itself_is_refused(tmp_path):
    lake = Layout(tmp_path)
    lake.inbox.mkdir()
    (lake.inbox / "a.h5ad").symlink_to(lake.inbox / "a.h5ad")
    with pytest.raises(InvalidDatasetIdError, match="symbolic link"):
        lake.inbox_h5ad("a")


def test_the_lake_itself_may_be_reached_by_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "lake").symlink_to(tmp_path / "disk")
    assert Layout(tmp_path / "lake").raw_h5ad("a") == tmp_path / "lake" / "raw" / "a.h5ad"


def test_dropped_files_come_by_name_without_hidden_ones(tmp_path):
    lake = Layout(tmp_path)
    assert list(lake.dropped()) == []
    lake.inbox.mkdir()
    for name in ("b.h5ad", "a.h5ad", ".half.h5ad", "._a.h5ad", "note.json", "c.h5ad.part"):
        (lake.inbox / name).touch()
    assert [path.name for path in lake.dropped()] == ["a.h5ad", "b.h5ad"]
