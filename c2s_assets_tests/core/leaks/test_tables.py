import numpy as np
import polars as pl

from c2s_assets.core.hashes import mix
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


def test_a_cell_has_all_its_bands_and_about_one_hash_to_search_by():
    found, table = _table(draw_counts(200))
    assert table["bands"].list.len().unique().to_list() == [N_BANDS]
    assert table["bands"].to_list() == found.bands.view(np.int64).tolist()
    hashes = table["search_hashes"].explode(empty_as_null=False)
    assert 100 < len(hashes) < 300
    assert (hashes % 8 == 0).all()


def test_what_cells_are_searched_by_stays_where_two_neighbouring_bands_do():
    found, table = _table(draw_counts(200))
    other = found._replace(bands=found.bands.copy())
    other.bands[:, 1:] += np.uint64(1)
    other.bands[:, 4:6] = found.bands[:, 4:6]
    changed = pl.DataFrame(fingerprint_table(other, table["cell_id"]))
    kept = mix(found.bands[:, 4] ^ mix(found.bands[:, 5])).view(np.int64)
    for before, after, name in zip(table["search_hashes"], changed["search_hashes"], kept, strict=True):
        assert set(before) & set(after) == ({name} if name % 8 == 0 else set())


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
