"""Where Dagster keeps its files: never beside a folder whose name it misreads."""

import tempfile
from pathlib import Path

import pytest

from c2s_assets.core.errors import LakeError
from c2s_assets.defs.home import usable_home


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
