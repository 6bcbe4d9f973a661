"""Taking a dataset out of the lake, or giving it another name."""

import pytest

from c2s_assets.core.errors import C2SError, MissingInputError
from c2s_assets.schemas.documents import InboxNote, Provenance
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.raw import adopt_from_inbox
from c2s_assets.storage.sources.removal import places_of, remove_dataset, rename_source
from c2s_assets_tests.defs.building import debris
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


@pytest.fixture
def layout(tmp_path) -> Layout:
    """A lake with the source of `toy`, and a table of it."""
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy")
    adopt_from_inbox(layout, dataset_id="toy")
    layout.dataset("toy").mkdir(parents=True)
    layout.table("cell_metadata", "toy").write_bytes(b"x")
    return layout


def test_a_dataset_is_removed_with_all_that_was_made_of_it(layout):
    drop_toy_h5ad(layout, "toy")
    drop_toy_h5ad(layout, "other")
    answers = layout.vision_answers("toy")
    answers.parent.mkdir(parents=True)
    answers.write_text("{}")
    remove_dataset(layout, "toy")
    assert places_of(layout, "toy") == []
    assert not answers.exists()
    assert layout.inbox_h5ad("other").exists()
    assert debris(layout) == []


def test_what_is_not_there_cannot_be_removed(layout):
    with pytest.raises(MissingInputError, match=r"holds nothing called 'tooy'\. c2s ls lists"):
        remove_dataset(layout, "tooy")


def test_a_source_under_a_new_name_waits_to_be_built(layout):
    content = layout.raw_h5ad("toy").read_bytes()
    sha256 = read_document(layout.raw_provenance("toy"), Provenance).sha256
    rename_source(layout, "toy", "new")
    assert places_of(layout, "toy") == []
    assert layout.inbox_h5ad("new").read_bytes() == content
    assert adopt_from_inbox(layout, dataset_id="new").sha256 == sha256


def test_a_file_that_waits_keeps_what_is_known_of_its_origin(layout):
    drop_toy_h5ad(layout, "waiting")
    layout.inbox_note("waiting").write_text('{"url": "http://127.0.0.1/a.h5ad", "dataset_version_id": "v1"}')
    rename_source(layout, "waiting", "new")
    note = read_document(layout.inbox_note("new"), InboxNote)
    assert (note.url, note.dataset_version_id) == ("http://127.0.0.1/a.h5ad", None)


def test_a_name_that_is_taken_stays_what_it_is(layout):
    drop_toy_h5ad(layout, "new")
    with pytest.raises(C2SError, match=r"'new' is taken: .*new\.h5ad exists"):
        rename_source(layout, "toy", "new")
    assert layout.raw_h5ad("toy").exists()


def test_what_has_no_file_cannot_be_renamed(layout):
    layout.dataset("tables").mkdir()
    with pytest.raises(MissingInputError, match="there is no file of 'tables'"):
        rename_source(layout, "tables", "new")
