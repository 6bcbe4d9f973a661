"""A lake that a newer version wrote is refused with words, and nothing of it is changed."""

import json

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import files_below
from c2s_assets_tests.toy import make_lake


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_lake(tmp_path_factory.mktemp("newer"), "toy")
    assert c2s("build", "toy", "--only", "dataset_profile", lake=layout.root).status == 0
    record = layout.record("toy")
    of_later = json.loads(record.read_text()) | {"version": 2, "something": "new"}
    record.write_text(json.dumps(of_later))
    return layout


@pytest.mark.parametrize("command", [["ls"], ["show", "toy"], ["build", "toy"], ["build", "--outdated"]])
def test_it_is_said_and_left_as_it_is(newer: Layout, command: list[str]) -> None:
    before = files_below(newer.datasets)
    said = c2s(*command, lake=newer.root)
    assert "was written by a newer c2s_assets (form 2 of records; this one knows 1)." in said.out + said.err
    assert "Update c2s_assets here" in said.out + said.err
    assert said.status == (0 if command == ["ls"] else 1)
    assert files_below(newer.datasets) == before
