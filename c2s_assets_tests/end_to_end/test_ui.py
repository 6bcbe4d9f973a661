"""The real UI with its daemon, looked at with a real browser."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from c2s_assets.core.pages.addresses import HEALTH
from c2s_assets.schemas.documents import ValidationReport
from c2s_assets.storage.lake.documents import read_document
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.end_to_end import commands
from c2s_assets_tests.end_to_end.browser import CHROMIUM, Browser, open_browser
from c2s_assets_tests.end_to_end.running_ui import Ui, running_ui, wait_until
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and "C2S_REQUIRE_TOOLS" not in os.environ, reason="no chromium to look with"
    ),
]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    layout = make_lake(tmp_path_factory.mktemp("ui"), "toy")
    built = c2s("build", "toy", lake=layout.root)
    assert built.status == 0, built.out + built.err
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("C2S_LOG", "json")
        with running_ui(layout) as found:
            yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def test_the_ui_shows_the_checks_of_an_asset(ui: Ui, browser: Browser) -> None:
    browser.open(f"{ui.address}/assets/cell_sentences?view=checks")

    for claim in ("keeps_schema", "features_have_symbols", "rows_match_cells", "sentences_match_source"):
        browser.wait_for(f"document.body && document.body.innerText.includes({claim!r})")
    browser.evaluate(
        "[...document.querySelectorAll('*')].find(e => e.innerText == 'cells_express_genes').click()"
    )
    browser.wait_for(
        "document.body.innerText.includes('Every cell expresses at least one gene with a symbol.')"
    )


def test_what_is_as_it_should_be_is_not_on_the_page_of_health(ui: Ui) -> None:
    page = httpx.get(f"{ui.address}{HEALTH}", timeout=120)
    assert page.status_code == 200
    assert "1 of 1 datasets are as they should be" in page.text
    assert ">toy<" not in page.text


def test_all_processes_log_in_json_if_that_is_asked_for(ui: Ui) -> None:
    wait_until(lambda: "dagster.daemon" in _log(ui), seconds=120)
    whole_lines = _log(ui).rpartition("\n")[0].splitlines()
    assert all("event" in json.loads(line) for line in whole_lines)


def test_the_ui_shows_what_a_partition_holds(ui: Ui, browser: Browser) -> None:
    browser.open(f"{ui.address}/assets/split_manifest?view=partitions&partition=toy")

    for shown in ("spec_id", "test_share", "digest", "split_manifest.parquet", "donor_0", "cells_per_donor"):
        browser.wait_for(f"document.body && document.body.innerText.includes({shown!r})")


def test_a_file_dropped_into_the_inbox_is_built_by_the_daemon(ui: Ui) -> None:
    drop_toy_h5ad(ui.layout, "dropped", n_axes=EMBEDDINGS, seed=3)
    drop_toy_h5ad(ui.layout, "scaled", matrices="scaled X")

    wait_until(lambda: set(_runs(ui)) == {"dropped", "scaled"} and _all_ended(ui), seconds=600)

    assert _runs(ui) == {"dropped": "SUCCESS", "scaled": "FAILURE"}, _log(ui)
    assert ui.layout.parts("train", "dropped").exists()
    assert not ui.layout.parts("train", "scaled").exists()
    assert list(ui.layout.inbox.iterdir()) == []
    report = read_document(ui.layout.validation_report("dropped"), ValidationReport)
    assert {asset.state for asset in report.assets} == {"built"}
    assert report.summary.n_without_result == 0


def test_the_webserver_listens_on_this_machine_only(ui: Ui) -> None:
    port = int(ui.address.rpartition(":")[2])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {local for _, local, _, state, *_ in rows if state == "0A" and local.endswith(f":{port:04X}")}

    assert listening == {f"0100007F:{port:04X}"}


def test_a_port_that_is_taken_is_said(ui: Ui) -> None:
    refused = c2s("ui", "--port", ui.address.rpartition(":")[2], lake=ui.layout.root)
    assert refused.status == 1
    assert "cannot be served: Address already in use. Give another one with: c2s ui --port" in refused.err


def test_a_second_one_on_the_same_lake_says_where_the_first_is(ui: Ui) -> None:
    refused = commands.c2s("ui", "--port", "65000", lake=ui.layout.root)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"c2s: another c2s ui serves this lake: process {ui.process.pid}, {ui.address}. Use that one, or "
        f"stop it first.\n"
    )


def _log(ui: Ui) -> str:
    return (ui.layout.root / "ui.log").read_text()


def _runs(ui: Ui) -> dict[str, str]:
    """Status of the daemon's last run of each dataset."""
    data = ui.ask("{runsOrError(limit: 20) {... on Runs {results {status tags {key value}}}}}")
    runs = [
        (run["status"], {tag["key"]: tag["value"] for tag in run["tags"]})
        for run in data["runsOrError"]["results"]
    ]
    return {tags["dagster/partition"]: status for status, tags in runs if "dagster/sensor_name" in tags}


def _all_ended(ui: Ui) -> bool:
    return set(_runs(ui).values()) <= {"SUCCESS", "FAILURE"}
