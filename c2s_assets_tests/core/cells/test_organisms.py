import polars as pl
import pytest

from c2s_assets.core.cells.organisms import ORGANISMS, organism_name, organism_names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(
            (text, "Homo sapiens")
            for text in ("human", "Human", "homo_sapiens", "H. sapiens", "hsapiens", "Hs")
        ),
        *(
            (text, "Homo sapiens")
            for text in ("9606", "NCBITaxon:9606", "ncbitaxon_9606", "9606.0", "taxon 9606")
        ),
        *((text, "Mus musculus") for text in ("mouse", "MOUSE", " Mus  musculus ", "m.musculus", "mm")),
        *((text, "Danio rerio") for text in ("zebrafish", "D. rerio")),
        *((text, text) for text in ("Canis lupus", "NCBITaxon:1", "mouse-human chimera")),
        *((text, None) for text in ("", " ", "unknown", "NA", "n/a", "?")),
    ],
)
def test_an_organism_has_its_scientific_name(text, name):
    assert organism_name(text) == name


def test_organisms_are_named_once():
    assert len(set(ORGANISMS.values())) == len(ORGANISMS)
    assert [organism_name(name) for name in ORGANISMS.values()] == list(ORGANISMS.values())
    assert [organism_name(taxon) for taxon in ORGANISMS] == list(ORGANISMS.values())


def test_a_column_is_read_whatever_its_type():
    assert organism_names(pl.Series([9606, None, 10090])).to_list() == ["Homo sapiens", None, "Mus musculus"]
    assert organism_names(pl.Series([None, None], dtype=pl.String)).to_list() == [None, None]
    assert organism_names(pl.Series([], dtype=pl.String)).to_list() == []
