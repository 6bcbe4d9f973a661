"""The page that says what is stale, on a lake in which two datasets are."""

import re

import dagster as dg
import polars as pl
import pytest

from c2s_assets.core.settings import DatasetsFile
from c2s_assets.defs.ui.health import health_page
from c2s_assets.storage.dataset import Dataset
from c2s_assets_tests.toy import make_lake


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Rows of the page; one dataset was stale when somebody looked long ago."""
    layout = make_lake(tmp_path_factory.mktemp("health"), "waiting")
    refused = Dataset(layout, "scaled", DatasetsFile())
    refused.refuse("dataset_profile", "X was scaled: <b>2,400</b> values are below zero.", checks=[])
    layout.health_report.parent.mkdir(exist_ok=True)
    before = {
        "dataset_id": ["waiting"],
        "standing": ["never built"],
        "stale_since": "2026-01-01T00:00:00+00:00",
    }
    pl.DataFrame(before).write_parquet(layout.health_report)
    with dg.DagsterInstance.ephemeral() as instance:
        return re.findall("<tr.*?</tr>", health_page(instance, layout))[1:]


def test_what_is_stale_for_longest_comes_first_and_is_marked(rows: list[str]) -> None:
    first, second = rows
    assert first.startswith(
        '<tr class="bad"><td>waiting</td><td>never built</td><td class="n">0.0</td><td>2026-01-01T00:00:00'
    )
    assert "nothing of it was built yet" in first
    assert second.startswith('<tr class="warn">')


def test_what_was_refused_is_told_as_text_with_a_link_to_its_page(rows: list[str]) -> None:
    assert '<a href="/c2s/scaled">scaled</a></td><td>refused</td>' in rows[1]
    assert "X was scaled: &lt;b&gt;2,400&lt;/b&gt; values are below zero." in rows[1]
