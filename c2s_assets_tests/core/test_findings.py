import polars as pl
import pytest

from c2s_assets.core.findings import rows_match


def ids(*values, name="cell_id"):
    return pl.Series(name, values, dtype=pl.String)


def test_rows_that_match_are_counted():
    finding = rows_match("rows_match_cells", ids("a", "b"), ids("a", "b", name="x"), of="cell_metadata")
    assert (finding.claim, finding.holds) == ("rows_match_cells", True)
    assert finding.message == "2 rows in the order of cell_metadata."
    assert finding.figures == {"n_rows": 2, "n_differ": 0}
    assert finding.rows is not None
    assert finding.rows.is_empty()


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (ids("a", "c", "b"), ids("a", "b", "c"), "2 of 3 rows are not those of it. Build both again."),
        (ids("a", None), ids("a", "b"), "1 of 2 rows are not those of it. Build both again."),
        (ids("a"), ids("a", "b"), "1 rows, but it has 2. Build both again."),
        (ids(), ids("a"), "0 rows, but it has 1. Build both again."),
    ],
    ids=["another order", "a missing id", "fewer rows", "no rows"],
)
def test_rows_that_do_not_match_are_found(found, expected, message):
    finding = rows_match("rows_match", found, expected, of="it")
    assert (finding.holds, finding.message) == (False, message)


def test_rows_that_do_not_match_are_shown_side_by_side():
    finding = rows_match("rows_match", ids("a", "c"), ids("a", "b"), of="it")
    assert finding.rows is not None
    assert finding.rows.rows(named=True) == [{"found": "c", "expected": "b"}]
