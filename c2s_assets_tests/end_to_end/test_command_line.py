"""`c2s` as a user runs it; in processes of its own where the process is the subject."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.end_to_end import commands
from c2s_assets_tests.serving import serve
from c2s_assets_tests.toy import EMBEDDINGS, make_lake, write_toy_h5ad

pytestmark = pytest.mark.slow


def test_add_build_and_ls_of_a_file(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    source = write_toy_h5ad(tmp_path / "atlas.h5ad", n_axes=EMBEDDINGS)

    added = commands.c2s("add", source, lake=lake)
    assert added.returncode == 0, added.stderr
    assert (lake / "inbox" / "atlas.h5ad").exists()
    listed = c2s("ls", lake=lake).out
    assert "atlas" in listed
    assert "0/12 built" in listed

    built = commands.c2s("build", "atlas", lake=lake)
    assert built.returncode == 0, built.stderr
    assert "atlas: built" in built.stdout
    assert "Traceback" not in built.stderr
    assert "12/12 built   last run: success" in c2s("ls", lake=lake).out
    # The terminal, then and later, and the page count the same checks.
    (held,) = re.findall(r"\d+ of \d+ checks hold", built.stdout)
    assert held in c2s("show", "atlas", lake=lake).out
    assert held in (lake / "datasets" / "atlas" / "report.html").read_text()
    assert source.exists()
    # The consumer code of the old pipeline, unchanged.
    for side in ("train", "test"):
        cells = pl.scan_parquet(lake / "datasets" / "atlas" / side / "chunk_*.parquet")
        assert {"cell_sentence", "age"} <= set(cells.collect_schema().names())
        assert cells.select("age").collect().height > 0

    # What is built is read from the lake, whatever Dagster knows of it.
    shutil.rmtree(lake / ".dagster")
    assert "12/12 built   last run: none" in c2s("ls", lake=lake).out
    (lake / "datasets" / "atlas" / "cell_metadata.parquet").unlink()
    listed = c2s("ls", lake=lake).out
    assert "3/12 built, 8 outdated" in listed
    assert "not built: cell_metadata\n" in listed
    assert "outdated: cell_fingerprints: cell_metadata is missing" in listed


def test_a_run_that_was_killed_is_called_so(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    assert c2s("add", write_toy_h5ad(tmp_path / "atlas.h5ad"), lake=lake).status == 0
    command = [sys.executable, "-m", "c2s_assets", "build", "atlas"]
    build = subprocess.Popen(
        command, env=commands.environment(lake), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (lake / "datasets" / "atlas" / "profile.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    build.kill()
    build.wait(timeout=30)
    listed = c2s("ls", lake=lake).out
    assert "last run: failure" in listed
    assert "the run was killed, or the machine was stopped" in listed
    assert "or with: c2s build --outdated atlas" in listed


def test_add_from_an_address_keeps_where_it_came_from_but_no_secret(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    content = write_toy_h5ad(tmp_path / "a.h5ad").read_bytes()
    with serve({"/files/blood.h5ad": content}) as url:
        secret = url.replace("//", "//user:hunter2@")
        added = c2s("add", f"{secret}/files/blood.h5ad?token=hunter2", lake=lake)
        assert added.status == 0, added.err
        missing = c2s("add", f"{url}/files/none.h5ad", lake=lake)

    assert c2s("build", "blood", "--only", "raw_h5ad", lake=lake).status == 0
    provenance = json.loads((lake / "raw" / "blood.json").read_text())
    assert provenance["url"] == f"{url}/files/blood.h5ad"
    assert provenance["etag"] == '"1"'
    assert "hunter2" not in (lake / "raw" / "blood.json").read_text() + added.out + added.err
    assert missing.status == 1
    assert "answered 404" in missing.err
    assert list((lake / "inbox").iterdir()) == []


def test_link_gives_the_file_a_second_name(tmp_path: Path) -> None:
    source = write_toy_h5ad(tmp_path / "atlas.h5ad")
    assert c2s("add", source, "--link", "--id", "linked", lake=tmp_path / "lake").status == 0
    assert (tmp_path / "lake" / "inbox" / "linked.h5ad").stat().st_ino == source.stat().st_ino


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "nowhere.h5ad"], "nowhere.h5ad is not a file"),
        (["add", "ftp://127.0.0.1/a.h5ad"], "not an http or https address"),
        (["add", "SOURCE", "--id", "../../x"], "'../../x' cannot be a dataset id"),
        (["add", "SOURCE", "--id", ""], "'' cannot be a dataset id"),
        (["build", "../../x"], "'../../x' cannot be a dataset id"),
    ],
    ids=["no file", "ftp", "a path as id", "an empty id", "build a path"],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    source, layout = str(write_toy_h5ad(tmp_path / "toy.h5ad")), make_lake(tmp_path)
    done = c2s(*(source if word == "SOURCE" else word for word in arguments), lake=layout.root)

    assert done.status == 1
    assert message in done.err
    assert "Traceback" not in done.err
    assert not any((tmp_path / "lake").glob("inbox/*"))


def test_building_what_was_never_added_fails_with_the_way_out(tmp_path: Path) -> None:
    done = c2s("build", "ghost", lake=make_lake(tmp_path).root)

    assert done.status == 1
    assert "c2s add PATH_OR_URL --id ghost" in done.err
