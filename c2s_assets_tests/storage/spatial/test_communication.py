"""Tests of the table of what cells say to each other."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import csr_of
from c2s_assets.core.spatial import strips
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.claims import CommunicationTally
from c2s_assets.core.spatial.hearing import Hearing
from c2s_assets.core.spatial.roles import Roles
from c2s_assets.core.spatial.sample import SpatialSample, place_cells
from c2s_assets.storage.spatial import communication

ONE_PAIR = Roles(np.array([0, 1]), np.array([0], np.int32), np.array([0, 1]), np.array([1], np.int32), 1)


def _sample(n_cells: int) -> SpatialSample:
    rng = np.random.default_rng(5)
    positions = rng.uniform(0, 500, (n_cells, 2))
    positions[::7] = np.nan
    labels = pl.Series(rng.choice(["left", "right"], n_cells))
    return place_cells(positions, calibration=Calibration(1.0, "set", {}), unit="cell", labels=labels)


def _table(sample: SpatialSample, folder: Path) -> pl.DataFrame:
    levels = np.random.default_rng(6).random((len(sample.cells), 2)).astype(np.float32)
    found = Hearing(sample, csr_of(csr_array(levels)), ONE_PAIR)
    waiting = Path(tempfile.mkdtemp(dir=folder))
    kept, sums = communication.hear_all(found, waiting)
    ids = pl.Series([f"cell {row}" for row in range(sample.n_obs)])
    table = pl.from_arrow(pa.concat_tables(list(communication.rows_of_cells(found, kept, ids))))
    assert table["cell_id"].equals(ids)
    np.testing.assert_allclose(sums.totals, [table["score_sent"].sum()], rtol=1e-5)
    heard = (
        table.group_by("section").agg(pl.col("sender_index").list.len().sum()).drop_nulls().sort("section")
    )
    assert sums.n_contacts.tolist() == heard.select(pl.concat_list("sender_index"))["sender_index"].to_list()
    return table


def test_a_row_names_senders_by_their_rows_and_is_null_without_a_place(tmp_path: Path) -> None:
    sample = _sample(40)
    table = _table(sample, tmp_path)
    assert table.height == 40
    assert table["section"].is_null().to_list() == [row % 7 == 0 for row in range(40)]
    row = table.row(8, named=True)
    others = table.with_row_index("row").filter(
        (pl.col("x_um") - row["x_um"]) ** 2 + (pl.col("y_um") - row["y_um"]) ** 2 <= 200**2,
        pl.col("section") == row["section"],
        pl.col("row") != 8,
    )
    assert row["sender_index"] == others["row"].to_list()
    assert row["n_neighbours"] == others.height > 0
    assert row["score_received"] == pytest.approx(sum(row["sender_score"]), rel=1e-6)
    assert row["received_pair_index"] == [0]
    assert row["received"] == pytest.approx([row["score_received"]], rel=1e-6)


def test_strips_blocks_and_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = _sample(90)
    whole = _table(sample, tmp_path)
    monkeypatch.setattr(communication, "CELLS_PER_BLOCK", 8)
    monkeypatch.setattr(communication, "N_THREADS", 1)
    assert _table(sample, tmp_path).equals(whole)
    monkeypatch.setattr(strips, "FEWEST_CELLS", 5)
    in_strips = _table(sample, tmp_path)
    pl.testing.assert_frame_equal(in_strips, whole, rel_tol=1e-6, abs_tol=0)
    monkeypatch.setattr(communication, "N_THREADS", 2)
    assert _table(sample, tmp_path).equals(in_strips)


def test_the_claims_hold_and_notice_what_is_wrong(tmp_path: Path) -> None:
    table = _table(_sample(60), tmp_path)
    assert _judge(table, table) == [True, True]
    crossed = table.with_columns(section=pl.col("section").reverse())
    assert _judge(table, crossed) == [False, True]
    less = table.with_columns(sent=pl.col("sent").list.eval(pl.element() * 0.9))
    assert _judge(less, table) == [True, False]


def _judge(table: pl.DataFrame, sections: pl.DataFrame) -> list[bool]:
    tally = CommunicationTally(sections["section"])
    assert pl.concat(tally.passing([table[:17], table[17:]])).equals(table)
    return [claim.holds for claim in tally.claims()]
