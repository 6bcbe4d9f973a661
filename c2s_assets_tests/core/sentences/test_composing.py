from dataclasses import replace
from hashlib import blake2b

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from c2s_assets.core.errors import NegativeExpressionError
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec, Vocabulary, sentence_column

SPEC = SentenceSpec(layer="X", symbols="toy")

# --- a reference that shares nothing with the code: no numpy, one cell and one feature at a time


def hash_name(name, *, seed):
    salt = blake2b(str(seed).encode(), digest_size=16).digest()
    return int.from_bytes(blake2b(name.encode(), digest_size=8, salt=salt).digest(), "little")


def splitmix64(state):
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def reference_ranking(values, cell_id, features, *, tie, seed):
    """Symbols that a cell expresses and their values, highest first, among equals as the tie is defined."""

    def key(feature_id):
        if tie == "feature_id":
            return feature_id
        return splitmix64(hash_name(cell_id, seed=seed) ^ hash_name(feature_id, seed=seed))

    expressed = [
        (-float(np.float32(value)), key(feature_id), symbol)
        for value, (feature_id, symbol) in zip(values, features, strict=True)
        if np.float32(value) > 0 and symbol is not None
    ]
    level = {}
    for value, _, symbol in sorted(expressed):
        level.setdefault(symbol, -value)
    return level


def reference_above_ties(values, n_named):
    """How many values, which descend, are above the lowest of the first, if that is there several times."""
    if n_named == 0 or values.count(values[n_named - 1]) == 1:
        return n_named
    return values.index(values[n_named - 1])


def reference(matrix, cell_ids, features, spec):
    """What `compose` must say, as rows of its table."""
    rows = []
    for values, cell_id in zip(matrix, cell_ids, strict=True):
        level = reference_ranking(values, cell_id, features, tie=spec.tie, seed=spec.seed)
        ranking, ordered = list(level), list(level.values())
        longest = spec.top_n
        if longest == "auto":
            longest = reference_above_ties(ordered, len(ordered))
            ranking = ranking[:longest]
        sentence = ranking[:longest]
        n_above = reference_above_ties(ordered, len(sentence))
        tie_share = np.float32(1 - n_above / len(sentence)) if sentence else None
        lists = [
            " ".join([symbol for symbol in ranking if symbol in spec.gene_lists[name]][:longest])
            for name in sorted(spec.gene_lists)
        ]
        counts = (len(level), len(sentence), n_above, pytest.approx(tie_share))
        rows.append((cell_id, " ".join(sentence), *counts, *lists))
    return rows


# --- the code, called with plain lists


def compose(matrix, cell_ids, features, spec=SPEC, *, dtype=np.float32):
    """Sentences of a dense matrix; features are (feature_id, symbol)."""
    frame = pl.DataFrame(features, schema={"feature_id": pl.String, "symbol": pl.String}, orient="row")
    dense = np.array(matrix, dtype=dtype).reshape(len(cell_ids), len(features))
    table = SentenceComposer(Vocabulary(frame), spec).compose(
        csr_array(dense), pl.Series("cell_id", cell_ids, dtype=pl.String)
    )
    return pl.DataFrame(table)


def sentence(values, features, spec=SPEC):
    return compose([values], ["cell"], features, spec)["cell_sentence"][0]


# --- what can be seen


def test_symbols_come_from_highest_to_lowest():
    assert sentence([1, 3, 2], [("1", "LOW"), ("2", "HIGH"), ("3", "MID")]) == "HIGH MID LOW"


def test_what_is_not_expressed_is_never_named():
    assert sentence([0, 1, 0], [("1", "A"), ("2", "B"), ("3", "C")]) == "B"


def test_a_feature_without_symbol_is_never_named_nor_counted():
    composed = compose([[9, 1]], ["cell"], [("1", None), ("2", "B")])
    assert composed.select("cell_sentence", "n_expressed", "sentence_length").row(0) == ("B", 1, 1)


def test_a_shared_symbol_is_named_once_at_its_highest_rank():
    composed = compose([[1, 2, 3]], ["cell"], [("1", "A"), ("2", "B"), ("3", "A")])
    assert composed.select("cell_sentence", "n_expressed").row(0) == ("A B", 2)


def test_a_shared_symbol_does_not_use_up_the_length():
    assert sentence([3, 3, 1], [("1", "A"), ("2", "A"), ("3", "B")], replace(SPEC, top_n=2)) == "A B"


@pytest.mark.parametrize(
    ("top_n", "expected", "length"),
    [(1, "C", 1), (2, "C B", 2), (3, "C B A", 3), (2000, "C B A", 3), (10**20, "C B A", 3)],
)
def test_length_is_the_smaller_of_top_n_and_n_expressed(top_n, expected, length):
    composed = compose(
        [[1, 2, 3, 0]], ["cell"], list(zip("1234", "ABCD", strict=True)), replace(SPEC, top_n=top_n)
    )
    assert composed.row(0)[:4] == ("cell", expected, 3, length)


def test_a_cell_that_expresses_nothing_has_an_empty_sentence():
    composed = compose([[0, 0], [1, 0], [0, 0]], ["a", "b", "c"], [("1", "A"), ("2", "B")])
    assert composed.rows() == [("a", "", 0, 0, 0, None), ("b", "A", 1, 1, 1, 0), ("c", "", 0, 0, 0, None)]


def test_no_cells_have_no_rows_but_all_columns():
    composed = compose([], [], [("1", "A")], replace(SPEC, gene_lists={"few": ["A"]}))
    assert dict(composed.schema) == {
        "cell_id": pl.String,
        "cell_sentence": pl.String,
        "n_expressed": pl.Int32,
        "sentence_length": pl.Int32,
        "n_above_ties": pl.Int32,
        "tie_share": pl.Float32,
        "cell_sentence_few": pl.String,
    }
    assert composed.height == 0


def test_without_any_symbol_every_sentence_is_empty():
    composed = compose(
        [[1, 2]], ["cell"], [("1", None), ("2", None)], replace(SPEC, gene_lists={"few": ["A"]})
    )
    assert composed.row(0) == ("cell", "", 0, 0, 0, None, "")


def test_zeros_that_are_stored_are_zeros():
    stored = csr_array((np.array([0, 5], np.float32), np.array([0, 1]), np.array([0, 2])), shape=(1, 2))
    vocabulary = Vocabulary(pl.DataFrame({"feature_id": ["1", "2"], "symbol": ["A", "B"]}))
    composed = SentenceComposer(vocabulary, SPEC).compose(stored, pl.Series(["cell"]))
    assert composed["cell_sentence"].to_pylist() == ["B"]


def test_a_gene_list_makes_a_sentence_of_its_symbols_alone():
    spec = replace(SPEC, top_n=2, gene_lists={"some": ["A", "B", "C", "not there"], "none": []})
    composed = compose([[1, 2, 3, 9, 8]], ["cell"], list(zip("12345", "ABCDE", strict=True)), spec)
    assert composed.select("cell_sentence", "cell_sentence_some", "cell_sentence_none").row(0) == (
        "D E",
        "C B",
        "",
    )


def test_columns_of_gene_lists_stand_in_order_of_their_name():
    spec = replace(SPEC, gene_lists={"b": ["A"], "a": ["A"]})
    composed = compose([[1]], ["cell"], [("1", "A")], spec)
    assert composed.columns[-2:] == [sentence_column("a"), sentence_column("b")]


# --- ties


@pytest.mark.parametrize(
    ("values", "top_n", "length", "n_above_ties", "tie_share"),
    [
        pytest.param([5, 3, 1, 1, 1], 2000, 5, 2, 0.6, id="whole block"),
        pytest.param([5, 3, 1, 1, 1], 4, 4, 2, 0.5, id="block cut through"),
        pytest.param([5, 3, 1, 1, 1], 3, 3, 2, 1 / 3, id="one of the block is named"),
        pytest.param([5, 3, 1, 1, 1], 2, 2, 2, 0, id="cut above the block"),
        pytest.param([5, 3, 3, 1, 1], 3, 3, 1, 2 / 3, id="another block is the lowest of those named"),
        pytest.param([5, 3, 2, 2, 1], 2000, 5, 5, 0, id="lowest is alone"),
        pytest.param([1, 1, 1, 1, 1], 2000, 5, 0, 1, id="nothing but ties"),
        pytest.param([0, 0, 0, 0, 7], 2000, 1, 1, 0, id="one symbol"),
        pytest.param([5, 3, 1, 1, 1], "auto", 2, 2, 0, id="auto"),
        pytest.param([5, 3, 3, 1, 1], "auto", 3, 1, 2 / 3, id="auto keeps the ties above the lowest"),
        pytest.param([5, 4, 3, 2, 1], "auto", 5, 5, 0, id="auto without ties"),
        pytest.param([1, 1, 1, 1, 1], "auto", 0, 0, None, id="auto with nothing but ties"),
    ],
)
@pytest.mark.parametrize("scale", [1, 0.5], ids=["counts", "halves"])
def test_symbols_above_ties_are_counted(values, top_n, length, *, n_above_ties, tie_share, scale):
    features = list(zip("12345", "ABCDE", strict=True))
    composed = compose([[scale * v for v in values]], ["cell"], features, replace(SPEC, top_n=top_n))
    counted = composed.select("sentence_length", "n_above_ties", "tie_share").row(0)
    assert counted == (length, n_above_ties, pytest.approx(tie_share))


def test_a_shared_symbol_is_one_above_the_ties():
    features = [("1", "A"), ("2", "A"), ("3", "B"), ("4", "C")]
    composed = compose([[3, 2, 1, 1]], ["cell"], features)
    assert composed.select("sentence_length", "n_above_ties").row(0) == (3, 1)


def test_a_gene_list_names_none_of_the_ties_that_auto_leaves_out():
    spec = replace(SPEC, top_n="auto", gene_lists={"some": ["B", "C"]})
    composed = compose([[3, 2, 1, 1]], ["cell"], list(zip("1234", "ABCD", strict=True)), spec)
    assert composed.select("cell_sentence", "cell_sentence_some").row(0) == ("A B", "B")


def test_ties_by_feature_id_follow_the_id_and_not_the_column():
    spec = replace(SPEC, tie="feature_id")
    assert sentence([1, 1, 1, 2], [("c", "C"), ("a", "Z"), ("b", "B"), ("d", "D")], spec) == "D Z B C"


def test_ties_by_hash_are_pinned():
    """Decides the order of words in every sentence of counts: if this breaks, all published tables change."""
    features = [(f"ENSG{i:011d}", f"G{i}") for i in range(8)]
    composed = compose([[1] * 8, [1] * 8], ["AAACCTG-1", "TTTGGAC-1"], features)
    assert composed["cell_sentence"].to_list() == ["G7 G2 G3 G0 G4 G5 G1 G6", "G7 G3 G4 G2 G1 G0 G5 G6"]
    assert sentence([1] * 8, features, replace(SPEC, seed=1)) == "G3 G2 G6 G0 G1 G7 G4 G5"


def test_ties_by_hash_favour_no_feature():
    n_cells, features = 3000, [(f"id{i}", f"G{i}") for i in range(5)]
    composed = compose(np.ones((n_cells, 5)), [f"cell{i}" for i in range(n_cells)], features)
    first = composed["cell_sentence"].str.split(" ").list.first().value_counts()["count"]
    assert len(first) == 5
    assert (first - n_cells / 5).abs().max() < 120  # five standard deviations


def test_values_that_are_equal_as_float32_are_ties():
    """The reader gives float32: what a float64 file tells apart beyond that must not decide."""
    features = [("a", "A"), ("b", "B")]
    spec = replace(SPEC, tie="feature_id")
    assert compose([[1.0, 1.0 + 1e-12]], ["c"], features, spec, dtype=np.float64)["cell_sentence"][0] == "A B"


# --- against the reference

SYMBOLS = st.sampled_from(["A", "B", "C", "D", "HLA-DRB1", None])
NAMES = st.text(st.characters(codec="utf-8"), max_size=4)


@st.composite
def datasets(draw):
    """A matrix full of ties, its cells, and features of which some share a symbol and some have none."""
    ids = draw(st.lists(NAMES, min_size=1, max_size=9, unique=True))
    features = [(feature_id, draw(SYMBOLS)) for feature_id in ids]
    cell_ids = draw(st.lists(NAMES, max_size=5, unique=True))
    value = st.sampled_from([0, 0, 1, 1, 2, 3, 0.5, 1e-3, 40_000])
    matrix = draw(
        st.lists(
            st.lists(value, min_size=len(ids), max_size=len(ids)),
            min_size=len(cell_ids),
            max_size=len(cell_ids),
        )
    )
    return matrix, cell_ids, features


SPECS = st.builds(
    SentenceSpec,
    layer=st.just("X"),
    symbols=st.just("toy"),
    top_n=st.integers(1, 10) | st.just("auto"),
    tie=st.sampled_from(["hash", "feature_id"]),
    seed=st.integers(-(10**20), 10**20),
    gene_lists=st.dictionaries(st.sampled_from(["x", "y"]), st.lists(st.sampled_from(["A", "D", "?"]))),
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(datasets(), SPECS)
def test_sentences_are_those_of_the_reference(dataset, spec):
    matrix, cell_ids, features = dataset
    assert compose(matrix, cell_ids, features, spec).rows() == reference(matrix, cell_ids, features, spec)


@pytest.mark.parametrize("tie", ["hash", "feature_id"])
@pytest.mark.parametrize("kind", ["counts", "floats"])
@pytest.mark.parametrize("top_n", [1500, "auto"])
def test_long_sentences_are_those_of_the_reference(kind, tie, top_n):
    """Sorting takes other paths for thousands of values, and for values of any magnitude, than for a few."""
    rng = np.random.default_rng(0)
    n_vars = 3000
    values = rng.geometric(0.4, (3, n_vars)) if kind == "counts" else 10 ** rng.uniform(-37, 38, (3, n_vars))
    matrix = np.where(rng.random((3, n_vars)) < 0.7, values, 0).tolist()
    shared = rng.integers(0, 2 * n_vars, n_vars)
    features = [(f"ENSG{i:011d}", f"G{symbol}" if symbol % 10 else None) for i, symbol in enumerate(shared)]
    spec = replace(
        SPEC, tie=tie, top_n=top_n, gene_lists={"even": [f"G{i}" for i in range(0, 2 * n_vars, 2)]}
    )
    cell_ids = ["a", "b", "c"]
    assert compose(matrix, cell_ids, features, spec).rows() == reference(matrix, cell_ids, features, spec)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(datasets(), SPECS, st.data())
def test_blocks_and_the_order_of_features_change_nothing(dataset, spec, data):
    matrix, cell_ids, features = dataset
    whole = compose(matrix, cell_ids, features, spec)

    order = data.draw(st.permutations(range(len(features))))
    shuffled = [[row[i] for i in order] for row in matrix]
    assert compose(shuffled, cell_ids, [features[i] for i in order], spec).equals(whole)

    cut = data.draw(st.integers(0, len(cell_ids)))
    parts = [compose(matrix[part], cell_ids[part], features, spec) for part in (slice(cut), slice(cut, None))]
    assert pl.concat(parts).equals(whole)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.int32, np.uint8, np.uint16, np.int8])
def test_the_type_of_the_values_does_not_matter(dtype):
    matrix, features = [[0, 1, 127, 1, 3], [7, 0, 0, 7, 100]], list(zip("12345", "ABCDE", strict=True))
    expected = compose(matrix, ["a", "b"], features)
    assert expected["cell_sentence"].str.split(" ").list.first().to_list() == ["C", "E"]
    assert compose(matrix, ["a", "b"], features, dtype=dtype).equals(expected)


# --- refusing


@pytest.mark.parametrize(
    ("matrix", "cell"),
    [([[0, -0.5]], "a"), ([[1, 1], [0, 0], [0, -0.5]], "c"), ([[1, 1], [-0.5, -7]], "b")],
    ids=["only cell", "behind an empty cell", "first of two"],
)
def test_a_scaled_matrix_is_refused_with_the_cell_and_the_value(matrix, cell):
    with pytest.raises(NegativeExpressionError) as caught:
        compose(matrix, ["a", "b", "c"][: len(matrix)], [("1", "A"), ("2", None)])
    assert f"cell '{cell}' has expression -0.5" in str(caught.value)
    assert "as layer in the dataset's entry of datasets.yaml" in str(caught.value)


# --- what identifies sentences


def test_spec_id_is_pinned():
    spec = SentenceSpec(layer="raw.X", symbols="0123456789ab", gene_lists={"ribosomal": ["RPL3", "RPL4"]})
    assert spec.spec_id == "3dc552f661e9"


FULL = SentenceSpec(layer="X", symbols="s", top_n=10, seed=3, gene_lists={"a": ["A", "B"], "b": []})


@pytest.mark.parametrize(
    "change",
    [
        {"layer": "raw.X"},
        {"symbols": "t"},
        {"top_n": 11},
        {"tie": "feature_id"},
        {"seed": 4},
        {"gene_lists": {"a": ["A", "B"]}},
        {"gene_lists": {"a": ["A", "C"], "b": []}},
        {"gene_lists": {"c": ["A", "B"], "b": []}},
    ],
    ids=["layer", "symbols", "length", "tie", "seed", "fewer lists", "another gene", "another name"],
)
def test_spec_id_changes_with_what_matters(change):
    assert replace(FULL, **change).spec_id != FULL.spec_id


def test_spec_id_does_not_change_with_what_does_not_matter():
    shuffled = replace(FULL, gene_lists={"b": [], "a": ["B", "A", "B"]})
    assert shuffled.spec_id == FULL.spec_id
    by_id = replace(FULL, tie="feature_id")
    assert replace(by_id, seed=99).spec_id == by_id.spec_id


def test_described_names_what_matters():
    assert FULL.described == {
        "layer": "X",
        "symbols": "s",
        "top_n": 10,
        "tie": "hash",
        "seed": 3,
        "gene_lists": "a, b",
    }
    assert replace(SPEC, tie="feature_id").described["gene_lists"] == "none"
    assert "seed" not in replace(SPEC, tie="feature_id").described


def snapshot(*features):
    schema = {"feature_id": pl.String, "symbol": pl.String}
    return Vocabulary(pl.DataFrame(features, schema=schema, orient="row")).snapshot


@pytest.mark.parametrize(
    "features",
    [
        [("2", "B"), ("1", "A")],
        [("1", "A"), ("2", "B"), ("3", None)],
    ],
    ids=["another order", "a feature that is never named"],
)
def test_snapshot_stays_where_sentences_stay(features):
    assert snapshot(*features) == snapshot(("1", "A"), ("2", "B"))


@pytest.mark.parametrize(
    "features",
    [
        [("1", "B"), ("2", "A")],
        [("1", "A"), ("3", "B")],
        [("1", "A"), ("2", None)],
        [("1", "A"), ("2", "A")],
    ],
    ids=["symbols swapped", "another id", "a symbol lost", "a symbol shared"],
)
def test_snapshot_changes_where_sentences_could(features):
    assert snapshot(*features) != snapshot(("1", "A"), ("2", "B"))
