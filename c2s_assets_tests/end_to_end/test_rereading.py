"""The judge of hostile builds sees what is wrong: a table unlike its source, a fork that ends badly."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import polars as pl
import pytest

from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.end_to_end.forking import run_forked
from c2s_assets_tests.end_to_end.rereading import (
    EQUAL,
    compare_with_each_other,
    compare_with_source,
    differing_tables,
)
from c2s_assets_tests.storage.h5ad.corrupting import write_originals
from c2s_assets_tests.toy import make_lake

TABLES = (
    *("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata"),
    *("cell_sentences", "expression", "expression_matrix", "train_test"),
)
TABLES_OF_VALUES = ("expression", "expression_matrix", "cell_sentences")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A source and the folder of its dataset."""
    folder = tmp_path_factory.mktemp("reread")
    layout = make_lake(folder)
    source = write_originals(folder)[0]
    layout.inbox.mkdir(exist_ok=True)
    layout.inbox_h5ad("a").write_bytes(source.read_bytes())
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "a", *TABLES).success
    return source, layout.dataset("a")


def test_tables_are_equal_to_their_source_and_agree(built: tuple[Path, Path]) -> None:
    source, dataset = built
    assert {outcome for _, outcome in compare_with_source(source, dataset)} == {EQUAL}
    assert {outcome for _, outcome in compare_with_each_other(dataset)} == {EQUAL}
    assert differing_tables(dataset, dataset) == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("raw/X/data", 7, 9), [f"raw.X in {table}" for table in TABLES_OF_VALUES]),
        (("raw/var/_index", 3, "XIST"), ["var index"]),
        (("obs/_index", 3, "another"), ["obs index"]),
        (("obs/donor_id/codes", 3, 1), ["obs/donor_id"]),
        (("obs/n/mask", 1, True), ["obs/n"]),
        (("obs/note", 3, "another"), ["obs/note"]),
    ],
    ids=["value", "feature", "cell", "category", "mask", "text"],
)
def test_a_table_that_is_not_its_source_differs(
    built: tuple[Path, Path], tmp_path: Path, change: tuple[str, int, object], wrong: list[str]
) -> None:
    changed = tmp_path / "changed.h5ad"
    changed.write_bytes(built[0].read_bytes())
    place, at, value = change
    with h5py.File(changed, "a") as file:
        file[place][at] = value
    outcomes = dict(compare_with_source(changed, built[1]))
    assert [part for part, outcome in outcomes.items() if outcome.startswith("differs")] == wrong


def test_names_that_are_numbers_in_the_source_are_text_in_tables(tmp_path: Path) -> None:
    source = write_originals(tmp_path)[0]
    with h5py.File(source, "a") as file:
        for place in ("obs/_index", "raw/var/_index", "obs/donor_id"):
            n_rows = len(file["obs/_index" if place == "obs/donor_id" else place])
            del file[place]
            file[place] = [7 * row for row in range(n_rows)]
            file[place].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    layout = make_lake(tmp_path / "numbers")
    layout.inbox.mkdir(exist_ok=True)
    layout.inbox_h5ad("a").write_bytes(source.read_bytes())
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "a", *TABLES[:5]).success
    assert {outcome for _, outcome in compare_with_source(source, layout.dataset("a"))} == {EQUAL}


def test_what_anndata_cannot_read_is_told_apart(built: tuple[Path, Path], tmp_path: Path) -> None:
    changed = tmp_path / "changed.h5ad"
    changed.write_bytes(built[0].read_bytes())
    with h5py.File(changed, "a") as file:
        del file["obs/type/codes"]
    outcomes = dict(compare_with_source(changed, built[1]))
    assert outcomes.pop("obs/type").startswith("unread: ")
    assert set(outcomes.values()) == {EQUAL}


def test_sides_that_are_not_those_of_the_manifest_differ(built: tuple[Path, Path], tmp_path: Path) -> None:
    for path in built[1].rglob("*.parquet"):
        copy = tmp_path / path.relative_to(built[1])
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    manifest = tmp_path / "split_manifest.parquet"
    pl.read_parquet(manifest).with_columns(split=pl.lit("train")).write_parquet(manifest)
    outcomes = dict(compare_with_each_other(tmp_path))
    assert outcomes["train"].startswith("differs")
    assert differing_tables(built[1], tmp_path) == ["split_manifest.parquet"]


def _die(_: Callable[[Any], None]) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _raise(_: Callable[[Any], None]) -> None:
    raise ValueError("as it is")


def _sleep(_: Callable[[Any], None]) -> None:
    time.sleep(60)


# Of a process that has threads: Python 3.12 warns of a fork, and these do nothing that could wait for one.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(sys.platform != "linux", reason="waits as Linux can")
@pytest.mark.parametrize(
    ("function", "problem"),
    [(_die, "ended by SIGSEGV"), (_raise, "ValueError: as it is"), (_sleep, "not done after 1 s")],
)
def test_a_fork_that_does_not_come_to_its_end_is_told(
    tmp_path: Path, function: Callable[[Callable[[Any], None]], None], problem: str
) -> None:
    def tell_first(tell: Callable[[Any], None]) -> None:
        tell("begun")
        function(tell)

    ending = run_forked(tell_first, folder=tmp_path, timeout_seconds=1.0)
    assert problem in str(ending.problem)
    assert ending.told == ["begun"]
