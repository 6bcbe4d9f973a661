import polars as pl
import pytest

from c2s_assets.core.sentences.information import describe_ties, share_of_cells_by_place


def counts(*values):
    return pl.Series(values, dtype=pl.Int32)


def test_shares_are_those_of_the_cells_that_reach_a_place():
    places, percent = share_of_cells_by_place(counts(0, 1, 2, 2), counts(1, 3, 2, 3))
    assert places.tolist() == [1, 2, 3]
    assert percent.tolist() == [[75, 100], [50, 75], [0, 50]]


def test_cells_without_a_word_count_among_all():
    assert share_of_cells_by_place(counts(0, 1), counts(0, 1))[1].tolist() == [[50, 50]]


@pytest.mark.parametrize("lengths", [(), (0, 0)], ids=["no cells", "no words"])
def test_without_words_there_is_no_place(lengths):
    places, percent = share_of_cells_by_place(counts(*lengths), counts(*lengths))
    assert places.shape == (0,)
    assert percent.shape == (0, 2)


def test_long_sentences_are_looked_at_in_200_places():
    places, percent = share_of_cells_by_place(counts(1_000), counts(20_000))
    assert (places[0], places[-1], places.size) == (1, 20_000, 200)
    assert percent.shape == (200, 2)


def test_ties_are_described_over_all_words():
    described = describe_ties(pl.DataFrame({"sentence_length": [4, 0, 6], "n_above_ties": [1, 0, 4]}))
    assert described == {"frac_words_tied": 0.5, "median_n_above_ties": 1}
    assert describe_ties(pl.DataFrame({"sentence_length": [0], "n_above_ties": [0]}))["frac_words_tied"] == 0
