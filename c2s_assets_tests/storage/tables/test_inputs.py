import polars as pl
import pytest

from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.schemas.tables import CellSentences
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.lake.documents import write_document
from c2s_assets.storage.sources.profile import profile_h5ad
from c2s_assets.storage.sources.raw import adopt_from_inbox
from c2s_assets.storage.tables.inputs import (
    current_profile,
    current_table,
    footer,
    held_gene_symbols,
    read_current,
    read_gene_symbols,
)
from c2s_assets.storage.tables.parquet import read_footer, with_metadata, write_blocks, write_table
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

SENTENCES = pl.DataFrame(
    {"cell_id": ["c"], "cell_sentence": ["A B"], "n_expressed": [2], "sentence_length": [2]}
)


@pytest.fixture
def layout(tmp_path):
    """A lake with a source, its profile and a table, all of one version."""
    layout = make_lake(tmp_path, "a")
    provenance = adopt_from_inbox(layout, dataset_id="a")
    with open_h5ad(layout.raw_h5ad("a")) as h5ad:
        profile = profile_h5ad(
            h5ad, dataset_id="a", source_sha256=provenance.sha256, entry=DatasetEntry(), rows_per_block=100
        )
    layout.dataset("a").mkdir(parents=True)
    write_document(layout.profile("a"), profile)
    says = footer("cell_sentences", profile, spec_id="s")
    write_blocks(table_path(layout), [SENTENCES], model=CellSentences, footer=says)
    return layout


def table_path(layout):
    return layout.parts("cell_sentences", "a")


def test_the_footer_names_table_dataset_source_and_what_is_given(layout):
    profile = current_profile(layout, dataset_id="a")
    assert read_footer(table_path(layout)) == {
        "table": "cell_sentences",
        "dataset_id": "a",
        "source_sha256": profile.source_sha256,
        "spec_id": "s",
    }


def test_what_was_made_from_the_present_source_is_current(layout):
    assert current_profile(layout, dataset_id="a").n_obs == 60
    assert current_table(table_path(layout), layout, dataset_id="a") == table_path(layout)


def test_what_was_made_from_an_earlier_source_is_refused(layout):
    drop_toy_h5ad(layout, "a", seed=1)
    new = adopt_from_inbox(layout, dataset_id="a")
    message = rf"made from another version of the source file .* it is {new.sha256[:12]} now\)"
    with pytest.raises(MissingInputError, match=rf"profile\.json was {message}.*c2s build a"):
        current_profile(layout, dataset_id="a")
    with pytest.raises(MissingInputError, match=rf"cell_sentences was {message}.*c2s build a"):
        current_table(table_path(layout), layout, dataset_id="a")


def test_what_was_not_built_is_told(layout):
    with pytest.raises(MissingInputError, match="train does not exist yet"):
        current_table(layout.parts("train", "a"), layout, dataset_id="a")
    layout.profile("a").unlink()
    with pytest.raises(MissingInputError, match=r"profile\.json does not exist yet"):
        current_profile(layout, dataset_id="a")


def test_a_source_that_is_gone_is_told(layout):
    layout.raw_h5ad("a").unlink()
    with pytest.raises(LakeError, match=r"raw/a\.h5ad is missing"):
        current_profile(layout, dataset_id="a")


def test_gene_symbols_are_read_with_their_version_where_they_were_fetched(layout):
    assert read_gene_symbols(layout) == (None, None)
    symbols = put_gene_symbols(layout, {"version": "0123456789ab"})
    genes, version = read_gene_symbols(layout)
    assert genes.equals(symbols)
    assert version == "0123456789ab"


def test_gene_symbols_without_previous_and_alias_symbols_are_to_be_fetched_again(layout):
    symbols = put_gene_symbols(layout, {"url": "https://example.org"})
    with pytest.raises(MissingInputError, match=r"earlier c2s_assets.*Materialize gene_symbols again"):
        read_gene_symbols(layout)
    held, says = held_gene_symbols(layout)
    assert held.equals(symbols)
    assert says == {"url": "https://example.org"}


def put_gene_symbols(layout, says):
    symbols = pl.DataFrame({"hgnc_id": ["HGNC:5"], "symbol": ["A1BG"]})
    layout.gene_symbols.parent.mkdir()
    write_table(layout.gene_symbols, symbols, schema=with_metadata(symbols.to_arrow().schema, says))
    return symbols


def test_a_column_that_an_earlier_version_did_not_write_is_told(layout):
    path = table_path(layout)
    assert read_current(path, layout, dataset_id="a", columns=["cell_id"]).height == 1
    with pytest.raises(MissingInputError, match=r"has no column n_words: .* earlier c2s_assets.*c2s build a"):
        read_current(path, layout, dataset_id="a", columns=["cell_id", "n_words"])
