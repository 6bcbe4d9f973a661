import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from c2s_assets.core.sentences.audit import audit_sentences, ensembl_words
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec, Vocabulary

FEATURES = pl.DataFrame({"feature_id": ["1", "2", "3", "4", "5"], "symbol": ["A", "B", "C", "A", None]})
# A 3, B 2, C 1: the fourth feature shares its symbol with the first, the fifth has none.
EXPRESSION = csr_array(np.array([[1, 2, 1, 3, 9]], dtype=np.float32))


def audit(sentence, *, n_expressed=3, length=3, n_above_ties=None, top_n=2000, cell_id="cell"):
    rows = pl.DataFrame(
        {
            "cell_id": [cell_id],
            "cell_sentence": [sentence],
            "n_expressed": [n_expressed],
            "sentence_length": [length],
            "n_above_ties": [min(top_n, 3) if n_above_ties is None else n_above_ties],
        }
    )
    return audit_sentences(rows, EXPRESSION, FEATURES, top_n=top_n)


@pytest.mark.parametrize(("sentence", "top_n"), [("A B C", 2000), ("A B C", 3), ("A B", 2), ("A", 1)])
def test_a_right_sentence_breaks_no_rule(sentence, top_n):
    broken = audit(sentence, length=len(sentence.split()), top_n=top_n)
    assert broken.is_empty()
    assert broken.columns == ["cell_id", "rule", "found"]


@pytest.mark.parametrize(
    ("sentence", "rule", "found"),
    [
        ("A B D", "names only expressed symbols", "'D' is not expressed"),
        ("A B  C", "names only expressed symbols", "'' is not expressed"),
        (" A B C", "names only expressed symbols", "'' is not expressed"),
        ("A A B", "names a symbol once", "'A' is repeated"),
        ("B A C", "orders by expression", "word 1, 'B', has 2, but the one due there has 3"),
        ("A C B", "orders by expression", "word 2, 'C', has 1, but the one due there has 2"),
        ("A B", "has as many symbols as top_n says", "2 words and a length of 3, but 3 are due"),
        ("", "has as many symbols as top_n says", "0 words and a length of 3, but 3 are due"),
    ],
    ids=[
        "not there",
        "two spaces",
        "a leading space",
        "repeated",
        "swapped",
        "swapped at the end",
        "too short",
        "empty",
    ],
)
def test_each_fault_is_found(sentence, rule, found):
    assert ("cell", rule, found) in audit(sentence).rows()


def test_leaving_the_highest_out_is_found_whatever_the_order_of_the_rest():
    assert audit("B C", length=2, top_n=2).rows() == [
        ("cell", "orders by expression", "word 1, 'B', has 2, but the one due there has 3")
    ]


@pytest.mark.parametrize(
    ("counts", "rule"),
    [
        ({"n_expressed": 4}, "counts the symbols expressed"),
        ({"length": 2}, "has as many symbols as top_n says"),
        ({"top_n": 2}, "has as many symbols as top_n says"),
        ({"n_above_ties": 2}, "counts the symbols above ties"),
    ],
    ids=["n_expressed", "length", "longer than asked for", "n_above_ties"],
)
def test_wrong_counts_are_found(counts, rule):
    assert audit("A B C", **counts)["rule"].to_list() == [rule]


@pytest.mark.parametrize(("sentence", "n_rules"), [("B A", 0), ("B A C", 1), ("B", 1)])
def test_a_sentence_that_does_not_end_at_the_ties_is_found_where_it_should(sentence, n_rules):
    expression = csr_array(np.array([[2, 3, 1, 0, 1]], dtype=np.float32))
    features = FEATURES.with_columns(symbol=pl.Series(["A", "B", "C", None, "D"]))
    rows = {"cell_id": "cell", "cell_sentence": sentence, "n_expressed": 4, "n_above_ties": 2}
    rows = pl.DataFrame(rows | {"sentence_length": len(sentence.split())})
    assert audit_sentences(rows, expression, features, top_n="auto").height == n_rules


def test_cells_are_compared_row_by_row():
    expression = csr_array(np.array([[1, 0], [0, 0], [1, 2]], dtype=np.float32))
    features = pl.DataFrame({"feature_id": ["1", "2"], "symbol": ["A", "B"]})
    composer = SentenceComposer(Vocabulary(features), SentenceSpec(layer="X", symbols="toy"))
    sentences = pl.DataFrame(composer.compose(expression, pl.Series(["a", "b", "c"])))
    assert audit_sentences(sentences, expression, features, top_n=2000).is_empty()
    swapped = audit_sentences(sentences.reverse(), expression, features, top_n=2000)
    assert set(swapped["cell_id"]) == {"c", "a"}


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("TP53 ENSG00000141510 ENSA", ["ENSG00000141510"]),
        ("ENSMUSG00000059552.1 A ENST00000456328", ["ENSMUSG00000059552.1", "ENST00000456328"]),
        ("ENSA ENSAP3", []),
        ("A_ENSG00000141510", []),
        ("", []),
    ],
    ids=["one", "several", "genes called like it", "within a name", "empty"],
)
def test_words_that_are_ensembl_ids_are_listed(sentence, words):
    found = ensembl_words(pl.DataFrame({"cell_id": ["cell"], "cell_sentence": [sentence]}))
    assert found.rows() == [("cell", word) for word in words]
