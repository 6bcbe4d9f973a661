"""Where Dagster keeps its files, never beside a folder whose name it misreads; and its settings."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from c2s_assets.core.errors import LakeError
from c2s_assets.defs.home import renew_settings, usable_home


def test_a_plain_path_stays_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "é 'x' =" / ".dagster"
    assert usable_home(home) == home
    assert home.is_dir()


@pytest.mark.parametrize("name", ["a%20b", "a?b", "a*b", "[a]"])
def test_a_path_that_dagster_misreads_gets_one_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    home = tmp_path / name / ".dagster"
    link = usable_home(home)
    assert usable_home(home) == link
    assert link.readlink() == home
    assert link.parent == tmp_path
    link.unlink()
    link.mkdir()
    with pytest.raises(LakeError, match=r"should lead to .* but is something else\. Remove it"):
        usable_home(home)


# As it came with the first version of c2s_assets that had one, and with what an operator made of it.
OLD = """telemetry: {enabled: false}
concurrency:
  runs: {max_concurrent_runs: 6}
run_monitoring:
  enabled: true
  max_runtime_seconds: 3600
"""


def _settings(home: Path) -> dict[str, Any]:
    return yaml.safe_load((home / "dagster.yaml").read_text())


def test_new_settings_reach_a_home_with_older_ones_and_what_was_changed_stays(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(OLD)
    renew_settings(tmp_path)
    found = _settings(tmp_path)
    assert found["concurrency"]["runs"] == {"max_concurrent_runs": 6}
    assert found["concurrency"]["pools"] == {"granularity": "op", "default_limit": 2}
    assert found["run_monitoring"]["max_runtime_seconds"] == 3600
    assert found["run_monitoring"]["poll_interval_seconds"] == 20
    assert (tmp_path / "dagster.before.yaml").read_text() == OLD


def test_what_is_removed_of_our_settings_stays_away(tmp_path: Path) -> None:
    renew_settings(tmp_path)
    came = _settings(tmp_path)
    del came["retention"]
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(came))
    (tmp_path / ".c2s-settings.yaml").write_text(
        f"{(tmp_path / '.c2s-settings.yaml').read_text()}\nlast: 1\n"
    )
    renew_settings(tmp_path)
    assert "retention" not in _settings(tmp_path)


def test_settings_that_nobody_touched_keep_their_comments(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("nux: {enabled: true}  # as it came once")
    (tmp_path / ".c2s-settings.yaml").write_text("nux: {enabled: true}  # as it came once")
    renew_settings(tmp_path)
    text = (tmp_path / "dagster.yaml").read_text()
    assert "# Settings of the Dagster instance." in text
    assert "enabled: true}  # as it came once" not in text
