import polars as pl
import pytest

from c2s_assets.core.genes.kinds import KINDS, feature_kinds, kind_columns


def names(*values):
    return pl.Series("_index", values, dtype=pl.String)


def kind(name, **columns):
    return feature_kinds([names(name)], pl.DataFrame({key: [value] for key, value in columns.items()})).item()


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("Gene Expression", "gene"),
        ("protein_coding", "gene"),
        ("lncRNA", "gene"),
        ("gene", "gene"),
        (None, "gene"),
        ("spike-in", "spike_in"),
        ("synthetic", "spike_in"),
        ("Antibody Capture", "protein"),
        ("ADT", "protein"),
        ("prot", "protein"),
        ("Protein", "protein"),
        ("Multiplexing Capture", "hashtag"),
        ("HTO", "hashtag"),
        ("CRISPR Guide Capture", "guide"),
        ("sgRNA", "guide"),
        ("Peaks", "peak"),
        ("ATAC", "peak"),
        ("Custom", "other"),
        ("Antigen Capture", "other"),
        ("Negative Control Probe", "other"),
        ("Deprecated Codeword", "other"),
    ],
)
@pytest.mark.parametrize("column", ["feature_types", "feature_type", "Feature.Biotype", "modality"])
def test_what_var_states_is_what_the_feature_is(column, stated, expected):
    assert kind("CD3D", **{column: stated}) == expected
    assert expected in KINDS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TP53", "gene"),
        ("ENSG00000141510", "gene"),
        ("DEPRECATED_ENSG00000000027", "gene"),
        ("ERCC-00002", "spike_in"),
        ("ERCC-00002 (spike-in control)", "spike_in"),
        ("CD3_TotalSeqB", "protein"),
        ("CMO301", "hashtag"),
        ("TP53_sgRNA_1", "guide"),
        ("chr1:9790-10673", "peak"),
        ("chr1-9790-10673", "peak"),
        ("GL000194.1:55758-56597", "peak"),
        ("AAACCTGAGATAGGAG-1", "other"),
        (None, "gene"),
    ],
)
def test_a_name_shows_what_the_feature_is_where_var_does_not_say(name, expected):
    assert kind(name) == expected


def test_any_name_of_a_feature_may_show_it():
    found = feature_kinds([names(None, "A"), names("ERCC-00002", "B")], pl.DataFrame())
    assert found.to_list() == ["spike_in", "gene"]


def test_what_is_stated_to_be_no_gene_is_none_whatever_it_is_called():
    """Antibodies are often called like the gene of what they bind."""
    assert kind("CD19", feature_types="Antibody Capture") == "protein"
    assert kind("ERCC-00002", feature_types="Gene Expression") == "spike_in"
    assert kind("CD19", feature_types="Gene Expression", feature_biotype="spike-in") == "spike_in"


def test_columns_of_numbers_say_nothing_of_kinds():
    assert kind_columns(pl.DataFrame({"feature_types": [1], "biotype": ["x"]})) == ["biotype"]


def test_without_features_there_are_no_kinds():
    assert feature_kinds([names()], pl.DataFrame()).to_list() == []
