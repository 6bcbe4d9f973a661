import polars as pl
import pytest

from c2s_assets.core.cells.proposals import propose_organism

NO_IDS = pl.Series([], dtype=pl.String)


@pytest.mark.parametrize(
    ("ids", "organism"),
    [
        (["ENSG00000141510.11", "ENSG00000136997"], "Homo sapiens"),
        (["ENSMUSG00000059552", "Xkr4"], "Mus musculus"),
        (["ENSDARG00000035559"], "Danio rerio"),
        (["ENSXXXG00000035559"], None),
        (["ENSG00000141510", "ENSMUSG00000059552"], None),
    ],
    ids=["people", "mice", "fish", "nobody we know", "two in one file"],
)
def test_ids_say_the_organism(ids, organism):
    found = propose_organism(pl.Series(ids), pl.Series(["TP53"]))
    assert (None if found is None else found[0]) == organism


@pytest.mark.parametrize(
    ("symbols", "found"),
    [
        (["Actb", "Gm1992", "Gm37381", "4732440D04Rik"], ("Mus musculus", "symbols such as Gm1992")),
        (
            ["ACTB", "HLA-DRA", "MT-CO1", "C1orf112", "CD4"],
            ("Homo sapiens", "symbols in upper case, such as ACTB"),
        ),
        (["Actb", "Gapdh", None], None),
        ([None], None),
    ],
    ids=["mice", "people", "mice or rats", "no symbols"],
)
def test_symbols_say_it_where_there_are_no_ids(symbols, found):
    assert propose_organism(NO_IDS, pl.Series(symbols, dtype=pl.String)) == found
