"""mlcroissant finds nothing wrong with croissant.json, and reads every table by it."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from c2s_assets.core.releases.croissant import CROISSANT

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def test_mlcroissant_reads_every_table_with_its_lists(folder: Path) -> None:
    import mlcroissant

    described = mlcroissant.Dataset(folder / CROISSANT, mapping={"repo": folder})
    assert not described.metadata.ctx.issues.errors
    rows = {one.uuid: list(described.records(one.uuid)) for one in described.metadata.record_sets}
    patterns = {
        "all": "[!_]*/*/*.parquet",
        "vocabulary": "vocabulary.parquet",
        "features": "_features/*.parquet",
    }
    for name, pattern in patterns.items():
        assert len(rows[name]) == pl.read_parquet(folder / pattern).height
    words = pl.read_parquet(folder / "vocabulary.parquet").sort("symbol")
    columns = ("symbol", "feature_ids")
    found = sorted(tuple(plain(row[f"vocabulary/{name}"]) for name in columns) for row in rows["vocabulary"])
    assert found == list(words.select(columns).iter_rows())


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value
