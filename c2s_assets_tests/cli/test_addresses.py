"""Where `c2s` looks for the lake, and what it does where there is none."""

from pathlib import Path

import pytest

from c2s_assets_tests.cli.commanding import c2s


@pytest.mark.parametrize(
    "command", [["ls"], ["add", "x.h5ad"], ["demo"], ["query", "from datasets"]], ids=" ".join
)
@pytest.mark.parametrize("address", ["gs://lake", "s3:/bucket"])
def test_an_address_of_an_object_store_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = c2s(*command, lake=address)
    assert said.status == 1
    assert said.err.startswith(f"c2s: {address} is an address, and a lake has to be in a folder")
    assert list(tmp_path.iterdir()) == []


def test_a_tilde_is_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my" / "inbox").mkdir(parents=True)
    assert f"No dataset in {tmp_path / 'my'} yet" in c2s("ls", lake="~/my").out
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["ls"],
        ["ls", "--json"],
        ["show", "a"],
        ["query", "from datasets"],
        ["query", "--as-is", "from datasets"],
        ["build", "a"],
        ["build", "--outdated"],
        ["rm", "a", "--yes"],
        ["mv", "a", "b"],
        ["select"],
        ["symbols"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "there", [["wrong", "wrong/raw"], ["wrong", "wrong/.dagster"], []], ids=["another", "empty", "none"]
)
def test_a_command_that_needs_a_lake_makes_nothing_where_there_is_none(
    tmp_path: Path, command: list[str], there: list[str]
) -> None:
    folder = tmp_path / "wrong"
    for name in there:
        (tmp_path / name).mkdir()
    said = c2s(*command, lake=folder)
    assert said.status == 1
    assert said.err.startswith(f"c2s: there is no lake in {folder}. Name the folder of yours in $C2S_LAKE")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == there
