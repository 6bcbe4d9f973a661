import polars as pl

from c2s_assets.core.leaks.claims import (
    cells_have_counts,
    copies_have_a_primary,
    donors_have_one_name,
    genes_go_by_ids,
)
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


def _aliases(*are_same):
    rows = [("a/Ann", "b/P1", is_same, 7) for is_same in are_same]
    schema = ("donor_uid", "other_donor_uid", "is_same_person", "n_shared_cells")
    return pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)


def test_a_person_under_two_names_is_named_with_the_evidence():
    assert donors_have_one_name(_aliases(False)).holds
    found = donors_have_one_name(_aliases(False, True))
    assert not found.holds
    assert found.rows.height == 1
    assert "1 of 2 pairs of donors" in found.message
    assert "a/Ann and b/P1: they share 7 cells" in found.message


def test_cells_without_a_canonical_copy_are_counted():
    assert copies_have_a_primary(n_cells_copied=3, n_without_primary=0).holds
    found = copies_have_a_primary(n_cells_copied=3, n_without_primary=1)
    assert not found.holds
    assert found.message.startswith("1 of 3 cells")


def test_genes_that_go_by_symbols_in_some_datasets_alone_are_told():
    assert genes_go_by_ids([], n_datasets=2).holds
    assert genes_go_by_ids(["a", "b"], n_datasets=2).holds
    found = genes_go_by_ids(["b"], n_datasets=2)
    assert not found.holds
    assert found.message.startswith("Genes of 1 of 2 datasets go by symbols (b), so that")
