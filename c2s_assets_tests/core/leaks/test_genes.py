import polars as pl

from c2s_assets.core.leaks.genes import NO_GENE, count_ensembl_ids, gene_ids, gene_keys

ID = "ENSG00000141510"


def _keys(names, **columns):
    return gene_keys(gene_ids(pl.Series("index", names), pl.DataFrame(columns))).tolist()


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


def test_a_feature_that_is_filtered_counts():
    """It is so in the normalised matrix of one file, and another one that has the same counts keeps it."""
    assert _keys([ID], feature_is_filtered=[True]) == _keys([ID])


HGNC = pl.DataFrame(
    {
        "feature_id": [ID, "ENSG00000185591", None],
        "symbol": ["TP53", "SP1", "NOID"],
        "previous_symbols": [["P53"], [], []],
        "alias_symbols": [[], [], []],
    },
    schema_overrides={"alias_symbols": pl.List(pl.String), "previous_symbols": pl.List(pl.String)},
)


def _ids(*names):
    return gene_ids(pl.Series("index", names), pl.DataFrame(), hgnc=HGNC).to_list()


def test_a_human_gene_that_goes_by_a_symbol_has_the_id_that_it_has_elsewhere():
    assert _ids("TP53", "SP1", "NOID", "ERCC-00002") == [ID, "ENSG00000185591", "NOID", None]
    assert _ids("SP1", "TP53", "P53") == ["ENSG00000185591", ID, ID], "a symbol that it had"


def test_genes_of_a_mouse_keep_their_symbols():
    assert _ids("Trp53", "Sp1") == ["Trp53", "Sp1"]


def test_an_id_of_the_file_counts_more_than_what_hgnc_says():
    assert gene_ids(
        pl.Series("index", ["TP53"]), pl.DataFrame({"gene_ids": ["ENSG00000000001"]}), hgnc=HGNC
    ).to_list() == ["ENSG00000000001"]


def test_ensembl_ids_are_counted():
    assert count_ensembl_ids(pl.Series([ID, "TP53", None])) == 1
