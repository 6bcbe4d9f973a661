from c2s_assets.core.findings import Finding
from c2s_assets.core.projections.reports import (
    Comparison,
    Embedding,
    LeftOut,
    authors_projections_are_untouched,
    projections_are_complete,
    rows_match_cells,
)

PCA = Embedding("X_pca", "author", "PCA", ["PCA1", "PCA2"])
UMAP = Embedding("X_umap", "computed", "UMAP", ["UMAP1", "UMAP2"])
TSNE = Embedding("X_tsne", "computed", "t-SNE", ["TSNE1", "TSNE2"])


def test_all_three_are_complete_whoever_made_them():
    finding = projections_are_complete([PCA, UMAP, TSNE], [])
    assert finding.holds
    assert "among 3 projections" in finding.message


def test_what_is_left_out_is_named_with_the_reason():
    left_out = [LeftOut("UMAP", "pip install it."), LeftOut("t-SNE", "pip install that.")]
    finding = projections_are_complete([PCA], left_out)
    assert not finding.holds
    assert finding.message == "UMAP is left out: pip install it. t-SNE is left out: pip install that."
    assert finding.rows is not None
    assert finding.rows["name"].to_list() == ["UMAP", "t-SNE"]


def test_an_array_of_the_author_that_is_left_out_is_not_complete():
    assert not projections_are_complete([PCA, UMAP, TSNE], [LeftOut("obsm/X", "too wide.")]).holds


def test_an_untouched_table_may_have_fewer_digits_and_nulls():
    finding = authors_projections_are_untouched({"X_a": Comparison(n_rounded=3), "X_b": Comparison(0, 2, 0)})
    assert finding.holds
    assert "3 values had more digits than float32 holds" in finding.message
    assert "2 values are NaN or infinite, and null here" in finding.message


def test_a_value_that_differs_is_told_with_its_table():
    finding = authors_projections_are_untouched({"X_a": Comparison(), "X_b": Comparison(n_differ=4)})
    assert not finding.holds
    assert "4 values" in finding.message
    assert "in X_b" in finding.message


def test_one_table_of_other_rows_breaks_the_claim():
    good, bad = (
        Finding("rows_match_cells", True, "fine"),
        Finding("rows_match_cells", False, "3 rows differ."),
    )
    assert rows_match_cells({"X_a": good}).holds
    finding = rows_match_cells({"X_a": good, "X_b": bad})
    assert not finding.holds
    assert finding.message.endswith("the first is X_b: 3 rows differ.")
