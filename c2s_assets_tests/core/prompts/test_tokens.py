import numpy as np
import pytest

from c2s_assets.core.prompts.composing import NO_ROOM, PromptComposer
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.core.prompts.tokens import TokenCounter
from c2s_assets_tests.core.prompts.cells import some_cells


class Tokenizer:
    """Counts in a way that can be checked by eye, and keeps how many texts it was given as a whole."""

    def __init__(self, count):
        self.count, self.n_whole = count, 0

    def __call__(self, texts, with_ends):
        self.n_whole += len(texts) if with_ends else 0
        return np.array([self.count(text) + 2 * with_ends for text in texts], np.int64)


def by_space(text):
    """One token for each three letters of a word, as a tokenizer that cuts at white space would have it."""
    return sum(-(-len(word) // 3) for word in text.split())


def by_letters(text):
    """One token for each three letters whatever the words are, so that sums of words are wrong."""
    return -(-len(text) // 3)


def compose(count, n_obs=40, **spec):
    tokenizer = Tokenizer(count)
    spec = PromptSpec(tokenizer="tokenizer.json", **spec)
    composer = PromptComposer(spec, LeakFinder(), TokenCounter(tokenizer))
    return composer.compose(some_cells(n_obs, n_genes=30), side="train"), tokenizer


def due(record, count):
    """What Cell2Sentence would make of it: prompt and response each by themselves, and an end."""
    return count(record["prompt"]) + 2 + count(record["response"]) + 2 + 1


@pytest.mark.parametrize("count", [by_space, by_letters])
def test_tokens_are_those_of_the_tokenizer(count):
    composed, _ = compose(count)
    assert composed.records.height > 200
    for record in composed.records.iter_rows(named=True):
        assert record["n_tokens"] == due(record, count)


def test_words_are_counted_once_where_that_is_the_same():
    _, by_word = compose(by_space, 400, tasks=["cell_type"])
    _, whole = compose(by_letters, 400, tasks=["cell_type"])
    assert by_word.n_whole < 250  # a probe of each wording and length, and the sample
    assert whole.n_whole > 800


def test_one_record_that_differs_is_noticed():
    """The tokenizer joins two words, so that sums of words are wrong for the sentences that hold both."""

    def joined(text):
        return by_space(text) - text.count("G7 G8")

    composed, _ = compose(joined, tasks=["cell_type"])
    for record in composed.records.iter_rows(named=True):
        assert record["n_tokens"] == due(record, joined)


def test_what_was_counted_before_another_block_differs_is_in_doubt():
    def joined(text):
        return by_space(text) - text.count("G7 G8")

    counter = TokenCounter(Tokenizer(joined))
    spec = PromptSpec(tokenizer="tokenizer.json", tasks=["cell_type"])
    composer = PromptComposer(spec, LeakFinder(), counter)
    composer.compose(some_cells(1), side="train")
    assert (counter.is_by_word, counter.is_in_doubt) == (True, False)
    composer.compose(some_cells(20), side="train")
    assert (counter.is_by_word, counter.is_in_doubt) == (False, True)


@pytest.mark.parametrize("count", [by_space, by_letters])
@pytest.mark.parametrize("task", ["cell_type", "cell_generation", "tissue_of_cells"])
def test_sentences_are_as_long_as_tokens_allow(count, task):
    free, _ = compose(count, tasks=[task], top_n=30)
    most = int(free.records["n_tokens"].min()) - 6
    composed, _ = compose(count, tasks=[task], max_tokens=most)
    records = composed.records
    assert records.height == free.records.height
    assert records["n_tokens"].max() <= most
    assert records["n_tokens"].mean() > most - 12
    assert records["num_genes"].max() < free.records["num_genes"].min()


def test_what_cannot_hold_a_gene_is_left_out():
    composed, _ = compose(by_space, tasks=["cell_type"], max_tokens=10)
    assert composed.records.is_empty()
    assert composed.left_out["cell_type", NO_ROOM] == 40


def test_top_n_holds_beside_tokens():
    composed, _ = compose(by_space, tasks=["cell_type"], top_n=4, max_tokens=1_000)
    assert set(composed.records["num_genes"]) == {4}
