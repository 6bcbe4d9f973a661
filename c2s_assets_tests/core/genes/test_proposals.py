import polars as pl

from c2s_assets.core.genes.proposals import propose_symbols

IDS = pl.Series([f"ENSG{number:011d}" for number in range(6)])
SYMBOLS = ["TP53", "CD4", "CD8A", "GAPDH", "ACTB", "LYZ"]
WORDS = ["kinase domain", "receptor", "antigen", "dehydrogenase", "filament", "lysozyme precursor"]


def test_the_column_that_names_most_genes_is_proposed():
    var = pl.DataFrame(
        {"description": WORDS, "biotype": ["protein_coding"] * 6, "hgnc": [*SYMBOLS[:5], None]}
    )
    assert propose_symbols(IDS, var) == "hgnc"


def test_columns_that_name_no_genes_are_not():
    assert propose_symbols(IDS, pl.DataFrame({"description": WORDS, "kind": ["mRNA"] * 6})) is None
    assert propose_symbols(IDS, pl.DataFrame({"few": ["TP53", *[None] * 5], "mean": [1.0] * 6})) is None
    assert propose_symbols(IDS, pl.DataFrame()) is None
