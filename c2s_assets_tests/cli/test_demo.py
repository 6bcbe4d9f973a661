"""`c2s demo`: the main job on a simulated dataset."""

from pathlib import Path

import pytest

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.toy import write_toy_h5ad


@pytest.mark.slow
def test_the_demo_builds_every_table_that_a_dataset_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2s_assets.simulate.simulate_h5ad", write_toy_h5ad)
    said = c2s("demo", lake=tmp_path / "lake")
    assert said.status == 0, said.out
    assert "FAILED" not in said.out
    assert "pseudobulk" in said.out
