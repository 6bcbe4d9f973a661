from hashlib import blake2b

import polars as pl
import pytest

from c2s_assets.core.errors import SourceError
from c2s_assets.core.genes.hgnc import compare_symbols, gene_symbols_did_not_shrink, hgnc_version, parse_hgnc

HEADER = "hgnc_id\tsymbol\tname\tstatus\talias_symbol\tprev_symbol\tensembl_gene_id"


def complete_set(*rows):
    return "\n".join([HEADER, *("\t".join(row) for row in rows), ""]).encode()


def gene(number, symbol, *, ensembl="", previous="", alias="", status="Approved", name='"alpha'):
    return (f"HGNC:{number}", symbol, name, status, alias, previous, ensembl)


TP53 = gene(11998, "TP53", ensembl="ENSG00000141510", alias='"p53|LFS1"')
SEPTIN7 = gene(1717, "SEPTIN7", ensembl="ENSG00000122545", previous="CDC10|SEPT7", alias="SEPT7A")
NATP = gene(15, "NATP")


# --- the complete set


def test_there_is_one_row_per_approved_gene_in_order_of_its_number():
    """As texts, HGNC:11998 would come before HGNC:15."""
    genes = parse_hgnc(complete_set(TP53, SEPTIN7, NATP))
    assert genes.columns == ["hgnc_id", "symbol", "feature_id", "previous_symbols", "alias_symbols"]
    assert genes.rows() == [
        ("HGNC:15", "NATP", None, [], []),
        ("HGNC:1717", "SEPTIN7", "ENSG00000122545", ["CDC10", "SEPT7"], ["SEPT7A"]),
        ("HGNC:11998", "TP53", "ENSG00000141510", [], ["p53", "LFS1"]),
    ]


def test_a_withdrawn_entry_is_left_out():
    withdrawn = gene(1, "A12M1~withdrawn", status="Entry Withdrawn", ensembl="ENSG00000000001")
    assert parse_hgnc(complete_set(TP53, withdrawn))["symbol"].to_list() == ["TP53"]


@pytest.mark.parametrize(
    ("written", "symbols"),
    [
        ("", []),
        ('""', []),
        ("A", ["A"]),
        ("A|B", ["A", "B"]),
        ('"A|B"', ["A", "B"]),
        ('"A"', ["A"]),
        (" B | A ", ["B", "A"]),
        ("A||B|", ["A", "B"]),
        ("A|B|A", ["A", "B"]),
    ],
)
def test_lists_of_symbols_are_read_however_they_are_written(written, symbols):
    """HGNC:19233 has FUT11 twice."""
    genes = parse_hgnc(complete_set(TP53, gene(7, "A2M", previous=written, alias=written)))
    assert genes.row(0)[3:] == (symbols, symbols)


def test_lines_may_end_as_on_windows():
    text = complete_set(TP53, NATP)
    assert parse_hgnc(text.replace(b"\n", b"\r\n")).equals(parse_hgnc(text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a tab-separated table"),
        (
            b"<html>Not found</html>",
            "no column alias_symbol, ensembl_gene_id, hgnc_id, prev_symbol, status, symbol; it has <html>Not",
        ),
        (
            b"hgnc_id\tsymbol\tstatus\tensembl_gene_id\nHGNC:1\tA\tApproved\tENSG00000000001\n",
            "no column alias_symbol, prev_symbol; it has hgnc_id",
        ),
        (complete_set(), "names no approved symbol with an Ensembl id in 0 rows"),
        (complete_set(NATP), "names no approved symbol with an Ensembl id in 1 rows"),
        (HEADER.encode() + b"\na\tb\tc\td\te\tf\tg\th\ti\n", "not a tab-separated table"),
        (b"\xff\xfe\x00\t\x80", "HGNC complete set"),
    ],
    ids=[
        "empty",
        "a web page",
        "without previous and alias symbols",
        "only a header",
        "no Ensembl id",
        "a row too long",
        "bytes",
    ],
)
def test_what_is_not_the_complete_set_is_refused(content, message):
    with pytest.raises(SourceError, match=message) as caught:
        parse_hgnc(content)
    assert "Check its address" in str(caught.value)


def test_an_id_that_is_no_number_is_left_to_the_schema():
    odd = ("HGNC:99999999999999999999", *TP53[1:])
    assert parse_hgnc(complete_set(odd))["hgnc_id"].to_list() == ["HGNC:99999999999999999999"]


# --- the version


def test_the_version_is_the_same_whatever_is_not_kept():
    genes = parse_hgnc(complete_set(TP53, SEPTIN7))
    other_name = (*SEPTIN7[:2], "septin 7", *SEPTIN7[3:])
    assert hgnc_version(parse_hgnc(complete_set(other_name, TP53))) == hgnc_version(genes)
    content = (
        '[["hgnc_id","symbol","feature_id","previous_symbols","alias_symbols"],'
        '[["HGNC:1717","SEPTIN7","ENSG00000122545",["CDC10","SEPT7"],["SEPT7A"]],'
        '["HGNC:11998","TP53","ENSG00000141510",[],["p53","LFS1"]]]]'
    )
    assert hgnc_version(genes) == blake2b(content.encode(), digest_size=6).hexdigest()


@pytest.mark.parametrize(
    "rows",
    [
        [TP53],
        [TP53, gene(1717, "SEPT7", ensembl="ENSG00000122545", previous="CDC10|SEPT7", alias="SEPT7A")],
        [TP53, gene(1717, "SEPTIN7", previous="CDC10|SEPT7", alias="SEPT7A")],
        [TP53, gene(1717, "SEPTIN7", ensembl="ENSG00000122545", previous="CDC10", alias="SEPT7A")],
        [TP53, gene(1717, "SEPTIN7", ensembl="ENSG00000122545", alias="CDC10|SEPT7|SEPT7A")],
    ],
    ids=["a gene less", "another symbol", "no Ensembl id", "a previous symbol less", "aliases instead"],
)
def test_the_version_changes_with_all_that_is_kept(rows):
    assert hgnc_version(parse_hgnc(complete_set(*rows))) != hgnc_version(
        parse_hgnc(complete_set(TP53, SEPTIN7))
    )


# --- changes


def table(**symbols):
    return pl.DataFrame({"hgnc_id": [f"HGNC:{key[1:]}" for key in symbols], "symbol": list(symbols.values())})


def test_genes_are_compared_by_their_id():
    changes = compare_symbols(table(_1="A", _2="SEPT7", _3="C"), table(_2="SEPTIN7", _3="C", _4="D", _5="A"))
    assert (changes.n_added, changes.n_removed) == (2, 1)
    assert changes.renamed.rows() == [("HGNC:2", "SEPT7", "SEPTIN7")]
    assert changes.renamed.columns == ["hgnc_id", "before", "now"]


def test_nothing_changes_between_equals():
    changes = compare_symbols(table(_1="A"), table(_1="A"))
    assert (changes.n_added, changes.n_removed, changes.renamed.height) == (0, 0, 0)


def many(start, stop):
    numbers = range(start, stop)
    return pl.DataFrame({"hgnc_id": [f"HGNC:{n}" for n in numbers], "symbol": [f"G{n}" for n in numbers]})


@pytest.mark.parametrize(
    ("last", "now", "holds", "frac_lost"),
    [
        (None, many(0, 5), True, 0.0),
        (many(0, 20), many(0, 20), True, 0.0),
        (many(0, 20), many(2, 40), True, 0.1),
        (many(0, 20), many(3, 20), False, 0.15),
        (many(0, 20), many(10, 40), False, 0.5),
    ],
    ids=["the first", "the same", "a tenth is gone", "more is gone", "as many others are there instead"],
)
def test_a_set_that_lost_more_than_a_tenth_of_its_genes_is_refused(last, now, holds, frac_lost):
    finding = gene_symbols_did_not_shrink(last, now, largest_loss=0.1)
    assert finding.holds == holds
    assert finding.figures["frac_genes_lost"] == frac_lost


def test_the_refusal_says_what_is_missing_and_what_to_do():
    finding = gene_symbols_did_not_shrink(many(0, 4), many(1, 4), largest_loss=0.2)
    assert finding.message.startswith("HGNC lists 3 genes and lacks 1 of the 4 of last time.")
    assert "with a larger largest_loss (it is 0.2)" in finding.message
    assert finding.rows is not None
    assert finding.rows.rows() == [("HGNC:0", "G0")]
    assert gene_symbols_did_not_shrink(many(0, 4), many(1, 4), largest_loss=0.25).holds
