import polars as pl
import pytest

from c2s_assets.core.leaks.genes import NO_GENE, gene_keys

ID = "ENSG00000141510"


def _keys(names, **columns):
    return gene_keys(pl.Series("index", names), pl.DataFrame(columns)).tolist()


def test_a_version_of_an_id_does_not_matter():
    assert _keys([ID]) == _keys([f"{ID}.14"])
    assert _keys([ID]) != _keys(["ENSG00000141511"])


def test_a_gene_keeps_its_key_when_it_gets_another_symbol():
    assert _keys([ID], feature_name=["TP53"]) == _keys([ID], feature_name=["P53"])


def test_the_id_may_stand_beside_the_symbol():
    assert _keys(["TP53"], gene_ids=[f"{ID}.14"]) == _keys([ID])


def test_a_gene_without_an_id_goes_by_its_name():
    assert _keys(["TP53"]) != [NO_GENE]
    assert _keys(["TP53"]) != _keys(["TP63"])


def test_what_is_no_gene_has_no_key():
    assert _keys([ID, "ERCC-00002"])[1] == NO_GENE
    assert _keys([ID, "CD3"], feature_types=["Gene Expression", "Antibody Capture"])[1] == NO_GENE


@pytest.mark.parametrize("flags", [[False, True, None], ["False", "True", None]], ids=["flags", "texts"])
def test_a_filtered_feature_has_no_key(flags):
    names = [ID, "ENSG00000141511", "ENSG00000141512"]
    is_none = [key == NO_GENE for key in _keys(names, feature_is_filtered=flags)]
    assert is_none == [False, True, False]
