import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.prompts.words import Sentences

WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters=" "), min_size=1), max_size=5)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=5), st.integers(1, 6), st.integers(0, 2))
def test_the_first_words_are_those_of_the_sentence(sentences, n_words, skipped):
    """Of a slice as well: Arrow keeps the text before it."""
    texts = pl.Series([" ".join(words) for words in sentences], dtype=pl.String).slice(skipped)
    found, kept = Sentences(texts), sentences[skipped:]
    assert found.n_words.tolist() == [len(words) for words in kept]
    rows = np.flatnonzero(found.n_words)
    cut = found.first(rows, np.minimum(found.n_words[rows], n_words))
    assert cut.to_list() == [" ".join(kept[row][:n_words]) for row in rows]
