"""`rank_fidelity`, built of a toy dataset."""

from pathlib import Path

import pytest

from c2s_assets.schemas.registry import upstream
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import make_lake

pytestmark = pytest.mark.pictures


def test_fidelity_is_measured_and_drawn(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "toy", *upstream(["rank_fidelity"]))
        assert result.success
        (row,) = workshop.read("rank_fidelity", "toy").to_dicts()
    assert row["n_cells"] == 60
    assert row["slope"] < 0
    assert 0.5 < row["r_squared"] <= 1
    (event,) = [
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key and event.asset_key.path == ["rank_fidelity"]
    ]
    assert "data:image/png" in str(event.metadata["ranks_and_expression"].value)
