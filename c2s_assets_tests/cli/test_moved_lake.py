"""A lake that lies elsewhere now, as a copy or from a backup, is as good as before."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import files_below
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

QUERY = "select dataset_id, n_cells from datasets order by dataset_id"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A lake of a copied and a linked file, which was built and asked."""
    folder = tmp_path_factory.mktemp("original")
    layout = make_lake(folder)
    for seed, arguments in enumerate(([], ["--link"])):
        added = c2s(
            "add", write_toy_h5ad(folder / f"toy{seed}.h5ad", seed=seed), *arguments, lake=layout.root
        )
        assert added.status == 0, added.err
    only = ["--only", "cell_metadata,cell_sentences"]
    assert c2s("build", "toy0", "toy1", *only, lake=layout.root).status == 0
    assert c2s("query", QUERY, lake=layout.root).status == 0
    return layout


def moved(original: Path, target: Path) -> None:
    shutil.copytree(original, target.with_name("first"))
    target.with_name("first").rename(target)


def copied_without_links(original: Path, target: Path) -> None:
    shutil.copytree(original, target)


def made_of_links(original: Path, target: Path) -> None:
    """As `cp -al` does: every file of the copy is one of the original."""
    shutil.copytree(original, target, copy_function=os.link)


def copied_with_links(original: Path, target: Path) -> None:
    """As `rsync -aH` and `cp -a` do: names of one file are so in the copy, and none is the original's."""
    copies: dict[int, str] = {}

    def copy(source: str, place: str) -> str:
        first = copies.setdefault(Path(source).stat().st_ino, place)
        if first == place:
            shutil.copy2(source, place)
        else:
            os.link(first, place)
        return place

    shutil.copytree(original, target, copy_function=copy)
    names = [path for path in target.rglob("*") if path.is_file()]
    assert len({path.stat().st_ino for path in names}) < len(names), "nothing is linked, and so nothing shown"
    assert not {path.stat().st_ino for path in names} & {path.stat().st_ino for path in original.rglob("*")}


def without_dagster(original: Path, target: Path) -> None:
    shutil.copytree(original, target, ignore=shutil.ignore_patterns(".dagster", ".staging"))


def through_a_link(original: Path, target: Path) -> None:
    """As another mount shows it: under another name for the same folder."""
    shutil.copytree(original, target.with_name("real"))
    target.symlink_to(target.with_name("real"))


@pytest.mark.parametrize(
    "move", [moved, copied_without_links, copied_with_links, made_of_links, without_dagster, through_a_link]
)
def test_it_is_listed_asked_and_built_as_before(
    tmp_path: Path, original: Layout, move: Callable[[Path, Path], None]
) -> None:
    before = files_below(original.datasets)
    move(original.root, tmp_path / "lake")
    lake = Layout(tmp_path / "lake")

    listed, asked = c2s("ls", lake=lake.root), c2s("query", QUERY, lake=lake.root)
    assert listed.status == asked.status == 0, listed.err + asked.err
    assert "outdated" not in listed.out
    assert "not what was built" not in listed.out
    assert "toy0" in asked.out
    assert "toy1" in asked.out
    again = c2s("build", "--outdated", "toy0", "--only", "cell_metadata", lake=lake.root)
    assert again.status == 0, again.err
    assert files_below(lake.datasets / "toy1") == {
        name.removeprefix("toy1/"): found for name, found in before.items() if name.startswith("toy1/")
    }
    assert files_below(original.datasets) == before, "the lake that it was copied of has changed"
    assert c2s("rm", "toy1", "--yes", lake=lake.root).status == 0
