import pytest

from c2s_assets.core.expression import claims
from c2s_assets.core.expression.layers import MatrixVerdict

IN_DATASETS_YAML = "in the dataset's entry of datasets.yaml"


def test_columns_that_can_be_read_are_fine():
    assert claims.reads_every_column({}).holds


def test_columns_that_cannot_be_read_are_named_with_the_reason():
    finding = claims.reads_every_column({"obs/a": "has 2 dimensions. Split it.", "var/b": "is a group."})
    assert not finding.holds
    assert (
        "2 cannot be read and are left out, the first is obs/a: has 2 dimensions. Split it."
        in finding.message
    )
    assert finding.rows is not None
    assert finding.rows.height == 2


@pytest.mark.parametrize(
    ("kind", "low", "holds", "message"),
    [
        ("counts", 1.0, True, "raw.X holds counts: 1,500 values between 1 and 7, all whole."),
        ("normalised", 0.5, True, "raw.X holds normalised values: 1,500 values between 0.5 and 7."),
        ("scaled", -2.5, False, "raw.X was scaled: 1,500 values between -2.5 and 7."),
        ("unknown", 0.0, False, "raw.X holds nothing but zeros in the 300 cells looked at."),
    ],
)
def test_a_matrix_can_be_ranked_if_it_was_not_scaled(kind, low, holds, message):
    verdict = MatrixVerdict(kind, 300, 1500, low, 7.0, 1.0)
    finding = claims.matrix_can_be_ranked(verdict, layer="raw.X", others={})
    assert finding.holds == holds
    assert finding.message.startswith(message)
    assert ("as layer " + IN_DATASETS_YAML in finding.message) != holds


def test_a_scaled_matrix_is_told_with_the_others_there_are():
    verdict = MatrixVerdict("scaled", 300, 1500, -1.0, 7.0, 0.0)
    others = {"layers/umi": "counts", "layers/d": None, "raw.X": "cannot be read"}
    message = claims.matrix_can_be_ranked(verdict, layer="X", others=others).message
    assert "Other matrices of the file: layers/d, layers/umi (counts), raw.X (cannot be read)." in message


def test_features_become_columns_unless_there_are_too_many():
    assert claims.features_fit_into_columns(60_000).holds
    finding = claims.features_fit_into_columns(1_000_000)
    assert not finding.holds
    assert "1,000,000 features would be as many columns; at most 200,000 are written" in finding.message
    assert "c2s_assets.read_expression" in finding.message
