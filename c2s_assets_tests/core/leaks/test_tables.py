import numpy as np
import polars as pl

from c2s_assets.core.leaks.spec import N_BANDS
from c2s_assets.core.leaks.tables import Evidence, fingerprint_table, no_fingerprints
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.tables import CellFingerprints
from c2s_assets.storage.tables.parquet import to_arrow
from c2s_assets_tests.core.leaks.counting import draw_counts, fingerprint, gene_ids

SCHEMA = arrow_schema(CellFingerprints)


def _table(counts):
    found = fingerprint(counts, gene_ids(counts.shape[1]))
    cell_ids = pl.Series([f"cell_{row}" for row in range(counts.shape[0])])
    return found, pl.DataFrame(to_arrow(fingerprint_table(found, cell_ids), SCHEMA))


def test_a_cell_with_few_genes_has_a_row_without_hashes():
    counts = draw_counts(3)
    counts[1, 20:] = 0
    _, table = _table(counts)
    assert table["n_genes"][1] < 20
    has_hashes = table.select(pl.exclude("cell_id", "n_genes").is_not_null())
    assert [set(row) for row in has_hashes.iter_rows()] == [{True}, {False}, {True}]


def test_sampled_bands_are_those_that_end_in_four_zero_bits():
    found, table = _table(draw_counts(200))
    assert table["bands"].list.len().unique().to_list() == [N_BANDS]
    assert table["bands"].to_list() == found.bands.view(np.int64).tolist()
    expected = [[band for band in bands if band % 16 == 0] for bands in table["bands"].to_list()]
    assert table["sampled_bands"].to_list() == expected
    assert 100 < sum(map(len, expected)) < 300


def test_without_counts_there_is_a_row_for_each_cell_all_the_same():
    table = pl.DataFrame(to_arrow(no_fingerprints(pl.Series(["a", "b"])), SCHEMA))
    assert table["cell_id"].to_list() == ["a", "b"]
    assert table.drop("cell_id").null_count().row(0) == (2,) * 5


def test_evidence_says_why_cells_carry_none():
    counts = draw_counts(4)
    counts[0, 20:] = 0
    counts[1, np.flatnonzero(counts[1])[0]] = 0.5
    found, _ = _table(counts)
    evidence = Evidence().with_cells_of(found)
    assert evidence == Evidence(n_cells=4, n_few_genes=1, n_not_counts=1)
    assert evidence.n_evidence == 2
    assert evidence.with_cells_of(found) == Evidence(n_cells=8, n_few_genes=2, n_not_counts=2)
