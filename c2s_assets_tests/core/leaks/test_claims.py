from c2s_assets.core.leaks.claims import cells_have_counts
from c2s_assets.core.leaks.tables import Evidence


def test_cells_with_few_genes_have_counts_all_the_same():
    found = cells_have_counts(Evidence(n_cells=10, n_few_genes=4), layer="X", kind="counts")
    assert found.holds
    assert found.message.startswith("6 of 10 cells have counts of at least 85 genes")


def test_without_counts_it_is_said_what_to_do():
    found = cells_have_counts(Evidence(n_cells=3, n_not_counts=2), layer="X", kind="normalised")
    assert not found.holds
    assert "2 have values that are no counts (X holds normalised values)" in found.message
    assert "name them as layer" in found.message
