"""A build that is killed half-way leaves whole tables, and the next build succeeds."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from c2s_assets.core.settings import DatasetsFile
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import debris, files_below
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

pytestmark = pytest.mark.slow

_N_CELLS = 800


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, Layout]:
    """A lake with the first version of a dataset, and one with the second."""
    lakes = []
    for seed in (1, 2):
        layout = make_lake(tmp_path_factory.mktemp(f"version{seed}"))
        drop_toy_h5ad(layout, "toy", n_obs=_N_CELLS, n_axes=EMBEDDINGS, seed=seed)
        done = c2s("build", "toy", lake=layout.root)
        assert done.status == 0, done.out + done.err
        lakes.append(layout)
    return lakes[0], lakes[1]


def test_builds_that_are_killed_leave_whole_tables_and_the_next_one_succeeds(
    tmp_path: Path, versions: tuple[Layout, Layout]
) -> None:
    """Each is killed a few stages later, on what the one before has left."""
    old, new = (files_below(version.dataset("toy")) for version in versions)
    layout = make_lake(tmp_path)
    shutil.copytree(versions[0].root, layout.root, dirs_exist_ok=True)
    shutil.rmtree(layout.dagster_home)
    drop_toy_h5ad(layout, "toy", n_obs=_N_CELLS, n_axes=EMBEDDINGS, seed=2)
    # They are opened by raw_h5ad, dataset_profile, ..., train_test (the 11th), validation_report in turn.
    for n_stages in (1, 6, 9, 11):
        _kill_at_stage(layout, n_stages)
        _require_whole(layout, old, new)
    done = c2s("build", "toy", lake=layout.root)
    assert done.status == 0, done.out + done.err
    assert files_below(layout.dataset("toy")) == new
    assert debris(layout) == []


def test_two_builds_at_once_end_with_the_same_whole_tables(
    tmp_path: Path, versions: tuple[Layout, Layout]
) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", n_obs=_N_CELLS, n_axes=EMBEDDINGS, seed=2)
    builds = [_start_build(layout) for _ in range(2)]
    outputs = [build.communicate(timeout=120)[0] for build in builds]

    # The one that comes second may find an input replaced under its hands and say so; it never writes a mix.
    assert 0 in [build.returncode for build in builds], outputs
    done = c2s("build", "toy", lake=layout.root)
    assert done.status == 0, done.out
    assert files_below(layout.dataset("toy")) == files_below(versions[1].dataset("toy"))
    assert debris(layout) == []


def _require_whole(layout: Layout, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    """Require that each table is that of the one version or of the other, and all sides those of one."""
    found = files_below(layout.dataset("toy"))
    assert found.keys() <= old.keys() | new.keys()
    found.pop("record.json")  # tells of some tables the old version and of others the new one
    states = Dataset(layout, "toy", DatasetsFile()).state()
    assert not [state.why for state in states.values() if re.search("is gone|is not what", str(state.why))]
    for name, content in found.items():
        assert content in (old.get(name), new.get(name)), f"{name} is neither the old nor the new version"
    sides = {name: content for name, content in found.items() if name.startswith(("train/", "test/"))}
    assert sides.items() <= old.items() or sides.items() <= new.items()
    assert layout.raw_h5ad("toy").exists() or layout.inbox_h5ad("toy").exists()


def _kill_at_stage(layout: Layout, n_stages: int) -> None:
    """Kill a build with SIGKILL as soon as it has opened its n-th stage."""
    build = _start_build(layout)
    seen: set[str] = set()
    deadline = time.monotonic() + 60
    while len(seen) < n_stages:
        assert build.poll() is None, "the build ended before it could be killed"
        assert time.monotonic() < deadline
        if layout.staging.exists():
            seen |= {path.name for path in layout.staging.glob("toy~*.lock")}
        time.sleep(0.001)  # a stage is open for many times that, and the build has more of the processor
    os.kill(build.pid, signal.SIGKILL)
    build.communicate(timeout=30)
    assert build.returncode == -signal.SIGKILL


def _start_build(layout: Layout) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "c2s_assets", "build", "toy"],
        env=environment(layout.root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
