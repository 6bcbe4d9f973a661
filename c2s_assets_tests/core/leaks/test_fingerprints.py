import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.hashes import keys_of
from c2s_assets.core.leaks.fingerprints import fingerprint_rows
from c2s_assets.core.leaks.genes import NO_GENE
from c2s_assets.core.leaks.spec import MIN_GENES, N_BANDS
from c2s_assets_tests.core.leaks.counting import draw_counts, fingerprint, gene_ids

IDS = gene_ids(1000)


def _same(found, other):
    return all(np.array_equal(one, two) for one, two in zip(found, other, strict=True))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_neither_the_order_of_the_genes_nor_that_of_the_entries_matters(seed):
    counts = draw_counts(3, seed=1)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(IDS))
    assert _same(fingerprint(counts, IDS), fingerprint(counts[:, order], [IDS[i] for i in order]))

    rows = csr_of(csr_array(counts))
    shuffled = np.concatenate(
        [
            start + rng.permutation(stop - start)
            for start, stop in zip(rows.indptr, rows.indptr[1:], strict=False)
        ]
    )
    unsorted = Csr(rows.indptr, rows.indices[shuffled], rows.values[shuffled])
    keys = keys_of(IDS, seed=0)
    assert _same(fingerprint_rows(rows, keys), fingerprint_rows(unsorted, keys))


@given(cut=st.integers(1, 9))
@settings(max_examples=9, deadline=None)
def test_blocks_can_be_cut_anywhere(cut):
    counts = draw_counts(10)
    parts = [fingerprint(part, IDS) for part in (counts[:cut], counts[cut:])]
    joined = [np.concatenate(pair) for pair in zip(*parts, strict=True)]
    assert _same(fingerprint(counts, IDS), joined)


def test_genes_that_no_cell_expresses_do_not_matter():
    counts = draw_counts(3)
    wider = np.pad(counts, ((0, 0), (0, 5)))
    assert _same(fingerprint(counts, IDS), fingerprint(wider, gene_ids(1005)))


def test_what_is_no_gene_does_not_matter():
    counts = draw_counts(3)
    rows = csr_of(csr_array(np.column_stack([counts, [7, 8, 9]])))
    keys = np.append(keys_of(IDS, seed=0), np.uint64(NO_GENE))
    assert _same(fingerprint(counts, IDS), fingerprint_rows(rows, keys))


def test_one_count_more_is_another_cell():
    counts = draw_counts(2)
    other = counts.copy()
    other[0, np.flatnonzero(counts[0])[0]] += 1
    before, after = fingerprint(counts, IDS), fingerprint(other, IDS)
    assert (before.exact[0] != after.exact[0]).all()
    assert (before.exact[1] == after.exact[1]).all()
    assert np.count_nonzero(before.bands[0] != after.bands[0]) <= 2


def test_the_same_counts_of_other_genes_are_another_cell():
    """A hash of values without their genes finds copies that are none."""
    counts = draw_counts(1)
    renamed = [f"{name}9" for name in IDS]
    before, after = fingerprint(counts, IDS), fingerprint(counts, renamed)
    assert not (before.exact == after.exact).any()
    assert not (before.bands == after.bands).any()


def test_no_band_of_a_cell_agrees_with_another_of_its_bands():
    """Two bands may have kept nothing at all, and are not the same for that."""
    counts = np.zeros((1, len(IDS)), np.float32)
    counts[0, :3] = 1
    assert len(set(fingerprint(counts, IDS).bands[0])) == N_BANDS


@pytest.mark.parametrize(("frac", "fewest"), [(0.01, 12), (0.05, 6)])
def test_most_bands_survive_that_some_genes_are_dropped(frac, fewest):
    counts = draw_counts(200, n_vars=5000, n_genes=1000)
    ids = gene_ids(5000)
    is_kept = np.random.default_rng(2).random(5000) >= frac
    dropped = fingerprint(counts[:, is_kept], [name for name, kept in zip(ids, is_kept, strict=True) if kept])
    agree = (fingerprint(counts, ids).bands == dropped.bands).sum(axis=1)
    assert np.median(agree) >= fewest
    assert agree.min() >= 3


@pytest.mark.parametrize("value", [1.5, -1.0, -2.5])
def test_a_cell_with_a_value_that_is_no_count_is_no_evidence(value):
    counts = draw_counts(2)
    counts[1, np.flatnonzero(counts[1])[0]] = value
    found = fingerprint(counts, IDS)
    assert found.are_counts.tolist() == [True, False]
    assert found.is_evidence.tolist() == [True, False]


def test_a_cell_with_few_genes_is_no_evidence():
    counts = np.zeros((3, len(IDS)), np.float32)
    for row, n_genes in enumerate((0, MIN_GENES - 1, MIN_GENES)):
        counts[row, :n_genes] = 1
    found = fingerprint(counts, IDS)
    assert found.n_genes.tolist() == [0, MIN_GENES - 1, MIN_GENES]
    assert found.is_evidence.tolist() == [False, False, True]
