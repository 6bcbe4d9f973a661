import polars as pl
import pytest

from c2s_assets.core.errors import MissingInputError
from c2s_assets.storage.tables.inputs import gene_symbols_version, held_gene_symbols, read_gene_symbols
from c2s_assets.storage.tables.parquet import with_metadata, write_table
from c2s_assets_tests.toy import make_lake


@pytest.fixture
def layout(tmp_path):
    return make_lake(tmp_path)


def test_gene_symbols_are_read_with_their_version_where_they_were_fetched(layout):
    assert read_gene_symbols(layout) == (None, None)
    assert gene_symbols_version(layout) is None
    symbols = put_gene_symbols(layout, {"version": "0123456789ab"})
    genes, version = read_gene_symbols(layout)
    assert genes.equals(symbols)
    assert version == gene_symbols_version(layout) == "0123456789ab"


def test_gene_symbols_without_previous_and_alias_symbols_are_to_be_fetched_again(layout):
    symbols = put_gene_symbols(layout, {"url": "https://example.org"})
    with pytest.raises(MissingInputError, match=r"earlier c2s_assets.*c2s symbols --refresh"):
        read_gene_symbols(layout)
    held, says = held_gene_symbols(layout)
    assert held.equals(symbols)
    assert says == {"url": "https://example.org"}
    assert gene_symbols_version(layout) is None


def put_gene_symbols(layout, says):
    symbols = pl.DataFrame({"hgnc_id": ["HGNC:5"], "symbol": ["A1BG"]})
    layout.gene_symbols.parent.mkdir()
    write_table(layout.gene_symbols, symbols, schema=with_metadata(symbols.to_arrow().schema, says))
    return symbols
