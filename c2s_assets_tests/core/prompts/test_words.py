import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.prompts.words import Sentences

WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters=" "), min_size=1), max_size=5)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=5), st.integers(1, 6), st.integers(0, 2), st.booleans())
def test_the_first_words_are_those_of_the_sentence(sentences, n_words, skipped, knows_most):
    """Of a slice as well: Arrow keeps the text before it."""
    texts = pl.Series([" ".join(words) for words in sentences], dtype=pl.String).slice(skipped)
    found, kept = Sentences(texts, most=n_words if knows_most else None), sentences[skipped:]
    due = np.array([min(len(words), n_words) for words in kept], np.int64)
    assert np.minimum(found.n_words, n_words).tolist() == due.tolist()
    rows = np.flatnonzero(found.n_words)
    cut = found.first(rows, due[rows])
    assert cut.to_list() == [" ".join(kept[row][:n_words]) for row in rows]


@pytest.mark.parametrize("size", [1, 7, 60], ids="{} letters".format)
def test_no_word_is_cut_however_long_words_are(size):
    sentence = " ".join(letter * size for letter in "abcdefgh")
    found = Sentences(pl.Series([sentence, "x"]), most=3)
    cut = found.first(np.array([0, 1]), np.array([3, 1]))
    assert cut.to_list() == [" ".join(sentence.split(" ")[:3]), "x"]
