import pytest

from c2s_assets.core.errors import SourceError
from c2s_assets.core.hgnc import parse_hgnc

HEADER = "hgnc_id\tsymbol\tname\tstatus\tensembl_gene_id"


def complete_set(*rows):
    return "\n".join([HEADER, *("\t".join(row) for row in rows), ""]).encode()


TP53 = ("HGNC:11998", "TP53", "tumor protein p53", "Approved", "ENSG00000141510")
ENSA = ("HGNC:3360", "ENSA", 'endosulfine "alpha', "Approved", "ENSG00000143420")


def test_approved_symbols_come_in_order_of_their_ensembl_id():
    assert parse_hgnc(complete_set(ENSA, TP53)).rows() == [
        ("ENSG00000141510", "TP53", "HGNC:11998"),
        ("ENSG00000143420", "ENSA", "HGNC:3360"),
    ]


def test_columns_are_named_as_in_our_tables():
    assert parse_hgnc(complete_set(TP53)).columns == ["feature_id", "symbol", "hgnc_id"]


@pytest.mark.parametrize(
    "row",
    [
        ("HGNC:1", "A12M1~withdrawn", "", "Entry Withdrawn", "ENSG00000000001"),
        ("HGNC:2", "A12M2", "", "Approved", ""),
    ],
    ids=["withdrawn", "without Ensembl id"],
)
def test_what_cannot_be_looked_up_is_left_out(row):
    assert parse_hgnc(complete_set(TP53, row))["symbol"].to_list() == ["TP53"]


def test_of_two_symbols_of_an_ensembl_id_the_older_one_is_kept():
    """As texts, HGNC:9 would come after HGNC:10."""
    twice = [(hgnc_id, hgnc_id[-2:], "", "Approved", "ENSG00000000001") for hgnc_id in ("HGNC:10", "HGNC:9")]
    assert parse_hgnc(complete_set(*twice))["hgnc_id"].to_list() == ["HGNC:9"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a tab-separated table"),
        (
            b"<html>Not found</html>",
            "no column ensembl_gene_id, hgnc_id, status, symbol; it has <html>Not found",
        ),
        (b"hgnc_id\tsymbol\tstatus\nHGNC:1\tA\tApproved\n", "no column ensembl_gene_id; it has hgnc_id"),
        (complete_set(), "names no approved symbol with an Ensembl id in 0 rows"),
        (HEADER.encode() + b"\na\tb\tc\td\te\tf\tg\n", "not a tab-separated table"),
        (b"\xff\xfe\x00\t\x80", "HGNC complete set"),
    ],
    ids=["empty", "a web page", "a column is missing", "only a header", "a row too long", "bytes"],
)
def test_what_is_not_the_complete_set_is_refused(content, message):
    with pytest.raises(SourceError, match=message) as caught:
        parse_hgnc(content)
    assert "Check its address" in str(caught.value)
